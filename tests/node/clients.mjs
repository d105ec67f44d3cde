// What the openai package and the AI SDK make of a server, as one JSON object on standard output:
//   node clients.mjs http://127.0.0.1:PORT MODEL QUESTION
import OpenAI from "openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embed, generateText, streamText } from "ai";

const [url, model, question] = process.argv.slice(2);
const seen = {};

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
const chat = {
  model,
  messages: [{ role: "user", content: question }],
  temperature: 0,
  max_tokens: 40,
};

seen.models = (await client.models.list()).data.map((one) => one.id);
const whole = await client.chat.completions.create(chat);
seen.chat = whole.choices[0].message.content;
seen.chatFinish = whole.choices[0].finish_reason;
seen.chatUsage = whole.usage;

seen.streamed = "";
seen.pieces = 0;
const stream = await client.chat.completions.create({
  ...chat,
  stream: true,
  stream_options: { include_usage: true },
});
for await (const chunk of stream) {
  const text = chunk.choices[0]?.delta?.content ?? "";
  seen.streamed += text;
  seen.pieces += text !== "";
  if (chunk.usage) seen.streamedUsage = chunk.usage;
}

const completion = { model, prompt: "The capital of France is", temperature: 0, max_tokens: 8 };
seen.completion = (await client.completions.create(completion)).choices[0].text;
seen.completionStreamed = "";
for await (const chunk of await client.completions.create({ ...completion, stream: true }))
  seen.completionStreamed += chunk.choices[0].text;

const input = "The river is wide.";
seen.embedding = (await client.embeddings.create({ model, input })).data[0].embedding;

// A client that goes away in the middle of an answer.
const left = await client.chat.completions.create({
  ...chat,
  max_tokens: 4000,
  ignore_eos: true,
  stream: true,
});
for await (const chunk of left) {
  if (chunk.choices[0]?.delta?.content) break;
}

try {
  await client.chat.completions.create({ ...chat, model: "no-such-model" });
} catch (error) {
  seen.error = { status: error.status, message: error.message, param: error.param };
}

const provider = createOpenAICompatible({
  name: "handmill",
  baseURL: `${url}/v1`,
  includeUsage: true,
});
const call = {
  model: provider(model),
  prompt: question,
  temperature: 0,
  maxOutputTokens: 40,
  maxRetries: 0,
};
const generated = await generateText(call);
seen.sdk = generated.text;
seen.sdkFinish = generated.finishReason;
seen.sdkUsage = generated.usage;

const streaming = streamText(call);
seen.sdkStreamed = "";
for await (const text of streaming.textStream) seen.sdkStreamed += text;
seen.sdkStreamedFinish = await streaming.finishReason;
seen.sdkStreamedUsage = await streaming.usage;

const embedded = await embed({ model: provider.textEmbeddingModel(model), value: input });
seen.sdkEmbedding = embedded.embedding;

try {
  await generateText({ ...call, model: provider("no-such-model") });
} catch (error) {
  seen.sdkError = { status: error.statusCode, message: error.message };
}

console.log(JSON.stringify(seen));
