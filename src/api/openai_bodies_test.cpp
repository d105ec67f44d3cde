// The bodies of models, embeddings, tokens and templates.
#include <cmath>

#include "api/read_check.h"

namespace handmill::api {
namespace {

TEST(OpenAiModels, AListAndOne) {
  const ModelCard known{"smol", 1'700'000'000, 8192,   134'000'000, 90'000'000,
                        576,    "llama",       "Q4_1", true};
  ModelCard bare;
  bare.id = "\xff";
  EXPECT_EQ(openai_model_body(known),
            R"({"id":"smol","object":"model","created":1700000000,"owned_by":"handmill",)"
            R"("max_model_len":8192,"state":"loaded","meta":{"n_ctx_train":8192,)"
            R"("n_params":134000000,"size":90000000,"n_embd":576,"architecture":"llama",)"
            R"("quantization":"Q4_1"}})");
  EXPECT_EQ(openai_models_body({}), R"({"object":"list","data":[]})");
  EXPECT_EQ(openai_models_body(std::vector<ModelCard>{bare}),
            R"({"object":"list","data":[{"id":")"
            "\uFFFD"
            R"(","object":"model","created":0,"owned_by":"handmill","max_model_len":0,)"
            R"("state":"unloaded","meta":{"n_ctx_train":null,"n_params":null,"size":null,)"
            R"("n_embd":null,"architecture":null,"quantization":null}}]})");
}

AskedEmbedding embedding(std::string_view text) {
  return good(read_openai_embedding(object_of(text)));
}

TEST(OpenAiEmbeddings, InputsInEveryForm) {
  using Tokens = std::vector<text::Token>;
  EXPECT_EQ(std::get<std::string>(embedding(R"({"input":"a"})").embedding.inputs.at(0)), "a");
  EXPECT_EQ(embedding(R"({"input":["a","b"]})").embedding.inputs.size(), 2u);
  EXPECT_EQ(std::get<Tokens>(embedding(R"({"input":[1,2]})").embedding.inputs.at(0)),
            (Tokens{1, 2}));
  EXPECT_EQ(std::get<Tokens>(embedding(R"({"input":[[1],[2,3]]})").embedding.inputs.at(1)),
            (Tokens{2, 3}));
  const AskedEmbedding asked =
      embedding(R"({"input":"a","model":"m","dimensions":64,"encoding_format":"base64"})");
  EXPECT_EQ(asked.embedding.model, "m");
  EXPECT_EQ(asked.embedding.dimensions, 64);
  EXPECT_TRUE(asked.base64);
  EXPECT_FALSE(asked.embedding.truncate);
  const std::pair<const char*, const char*> bad[] = {
      {"[]", "input"},      {"\"\"", "input"},      {"[\"a\",\"\"]", "input[1]"},
      {"[[]]", "input[0]"}, {"[null]", "input[0]"}, {"[1,-1]", "input[1]"},
      {"{}", "input"},      {"[{}]", "input[0]"},   {"[[1],[0.5]]", "input[1][0]"},
  };
  for (const auto& [value, param] : bad) {
    const auto fault = fault_with(endpoint_named("embeddings"), "input", boost::json::parse(value));
    ASSERT_TRUE(fault) << value;
    EXPECT_EQ(fault->param, param) << fault->message;
  }
}

TEST(OpenAiEmbeddings, AsNumbersAndAsBase64) {
  AskedEmbedding asked;
  const std::vector<std::vector<float>> vectors = {{0.5f, -1.0f, 0.1f}, {NAN}};
  EXPECT_EQ(openai_embedding_body(asked, "m", vectors, {7, 0, 0, 0}),
            R"({"object":"list","data":[{"object":"embedding","index":0,)"
            R"("embedding":[0.5,-1,0.1]},{"object":"embedding","index":1,"embedding":[null]}],)"
            R"("model":"m","usage":{"prompt_tokens":7,"total_tokens":7}})");
  asked.base64 = true;
  // base64 of 00 00 00 3f 00 00 80 bf cd cc cc 3d; of four bytes; of eight.
  const std::vector<std::vector<float>> more = {{0.5f, -1.0f, 0.1f}, {0.5f}, {0.5f, -1.0f}};
  EXPECT_EQ(openai_embedding_body(asked, "m", more, {7, 0, 0, 0}),
            R"({"object":"list","data":[{"object":"embedding","index":0,)"
            R"("embedding":"AAAAPwAAgL/NzMw9"},{"object":"embedding","index":1,)"
            R"("embedding":"AAAAPw=="},{"object":"embedding","index":2,)"
            R"("embedding":"AAAAPwAAgL8="}],"model":"m",)"
            R"("usage":{"prompt_tokens":7,"total_tokens":7}})");
}

AskedTokens tokenize(std::string_view text) { return good(read_tokenize(object_of(text))); }

TEST(Tokenize, InTheFormOfLlamaServer) {
  const AskedTokens plain = tokenize(R"({"content":"Hi"})");
  EXPECT_FALSE(plain.bos);
  EXPECT_TRUE(std::get<PlainText>(plain.prompt).special);
  const std::vector<text::Token> tokens = {5, 6};
  EXPECT_EQ(tokenize_body(plain, tokens, {}, 0), R"({"tokens":[5,6]})");
  const AskedTokens pieces =
      tokenize(R"({"content":"Hi","add_special":true,"with_pieces":true,"parse_special":false})");
  EXPECT_TRUE(pieces.bos);
  EXPECT_FALSE(std::get<PlainText>(pieces.prompt).special);
  EXPECT_EQ(tokenize_body(pieces, tokens, std::vector<std::string>{"é", "\xc3"}, 0),
            R"({"tokens":[{"id":5,"piece":"é"},{"id":6,"piece":[195]}]})");
}

TEST(Tokenize, InTheFormOfVllm) {
  const AskedTokens text = tokenize(R"({"prompt":"Hi","return_token_strs":true})");
  EXPECT_TRUE(text.bos);
  const std::vector<text::Token> tokens = {5, 6};
  EXPECT_EQ(tokenize_body(text, tokens, std::vector<std::string>{"a", "\xc3"}, 99),
            R"({"count":2,"max_model_len":99,"tokens":[5,6],"token_strs":["a",")"
            "\uFFFD"
            R"("]})");
  EXPECT_FALSE(tokenize(R"({"prompt":"Hi","add_special_tokens":false})").bos);
  const AskedTokens chat =
      tokenize(R"({"messages":[{"role":"user","content":"Hi"}],"add_generation_prompt":false})");
  EXPECT_FALSE(chat.bos);
  EXPECT_FALSE(std::get<Conversation>(chat.prompt).render.add_generation_prompt);
  EXPECT_EQ(
      fault_of(read_tokenize(object_of(R"({"prompt":"a","content":"b"})"))).value_or(Fault()).param,
      "content");
}

TEST(Detokenize, NamesItsTextInBothForms) {
  const AskedText asked = good(read_detokenize(object_of(R"({"tokens":[1,2],"model":"m"})")));
  EXPECT_EQ(asked.tokens, (std::vector<text::Token>{1, 2}));
  EXPECT_EQ(asked.model, "m");
  EXPECT_EQ(detokenize_body("a\xff"), "{\"content\":\"a\uFFFD\",\"prompt\":\"a\uFFFD\"}");
}

TEST(ApplyTemplate, ReadsAConversation) {
  const AskedTemplate asked = good(read_apply_template(
      object_of(R"({"messages":[{"role":"user","content":"Hi"}],"reasoning_effort":"none"})")));
  ASSERT_EQ(asked.conversation.messages.size(), 1u);
  EXPECT_EQ(asked.conversation.render.extra, object_of(R"({"enable_thinking":false})"));
  EXPECT_EQ(apply_template_body("<|x|>\n"), R"({"prompt":"<|x|>\n"})");
}

}  // namespace
}  // namespace handmill::api
