#include "router/prepare.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/error.h"
#include "engine/stop.h"
#include "sample/sampler.h"

namespace handmill::router {
namespace {

constexpr size_t kMaxChoices = 4096;  // over all prompts
constexpr int kMaxLogprobs = 20;      // of the engine

bool stays(const chat::Message& message) {
  return message.role == "system" || message.role == "developer";
}

/// Where a conversation may begin, were what is older gone: at what the user says, as templates
/// want it, and never between a tool's call and its answer.
std::vector<size_t> beginnings(const std::vector<chat::Message>& messages) {
  std::vector<size_t> places;
  for (size_t i = 0; i < messages.size(); ++i)
    if (messages[i].role == "user") places.push_back(i);
  if (!places.empty()) places.erase(places.begin());  // the conversation as it is
  return places;
}

api::Conversation from(const api::Conversation& whole, size_t beginning) {
  api::Conversation rest{{}, whole.render};
  for (size_t i = 0; i < whole.messages.size(); ++i)
    if (i >= beginning || stays(whole.messages[i])) rest.messages.push_back(whole.messages[i]);
  return rest;
}

/// The longest end of a conversation that fits, found by halving; the last turn where none does.
Outcome<chat::Prompt> shortened(const Front& front, const api::Conversation& whole,
                                std::optional<bool> think, chat::Prompt prompt, size_t most) {
  const std::vector<size_t> places = beginnings(whole.messages);
  for (size_t low = 0, high = places.size(); low < high;) {
    const size_t middle = low + (high - low) / 2;
    const bool last = middle + 1 == places.size();
    auto tried = make_prompt(front, from(whole, places[middle]), true, think);
    if (std::holds_alternative<api::Fault>(tried)) return tried;
    auto& candidate = std::get<chat::Prompt>(tried);
    const bool fits = candidate.tokens.size() <= most;
    if (fits || last) prompt = std::move(candidate);
    if (fits)
      high = middle;
    else
      low = middle + 1;
  }
  return prompt;
}

std::optional<api::Fault> check_tokens(const Front& front, const std::vector<text::Token>& tokens,
                                       std::string_view param) {
  if (tokens.empty()) return invalid(base::invalid("the prompt is empty"), param);
  for (size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i] < 0 || tokens[i] >= front.vocab)
      return invalid(base::invalid("token {} at {} is outside the vocabulary of {}", tokens[i], i,
                                   front.vocab),
                     param);
  return {};
}

std::string_view param_of(const api::Prompt& prompt) {
  return std::holds_alternative<api::Conversation>(prompt) ? "messages" : "prompt";
}

Outcome<chat::Prompt> of_conversation(const Front& front, const api::Conversation& conversation,
                                      std::optional<bool> think) {
  if (!front.chat_template)
    return invalid(base::invalid("the model's template cannot be used: {}", front.template_fault),
                   "messages");
  auto made = chat::make_prompt(*front.chat_template, *front.tokenizer, conversation.messages,
                                conversation.render, think);
  if (!made.ok()) return invalid(made.error(), "messages");
  return std::move(*made);
}

}  // namespace

int positions_for(int engine_positions, int asked) {
  return asked > 0 ? std::min(engine_positions, asked - 1) : engine_positions;
}

std::optional<api::Fault> check(const api::Completion& completion) {
  if (auto status = sample::validate_ranges(completion.sampling); !status.ok())
    return invalid_setting(status.error());
  if (auto status = engine::StopMatcher::validate(completion.stop); !status.ok())
    return invalid(status.error(), "stop");
  if (completion.max_tokens < -1)
    return invalid(base::invalid("max_tokens is {}; it must be at least 0, or -1 for no limit",
                                 completion.max_tokens),
                   "max_tokens");
  if (completion.prompts.empty()) return invalid(base::invalid("there is no prompt"), "prompt");
  if (completion.choices < 1)
    return invalid(base::invalid("n is {}; it must be at least 1", completion.choices), "n");
  const auto choices = static_cast<size_t>(completion.choices);
  if (choices > kMaxChoices || completion.prompts.size() > kMaxChoices / choices)
    return invalid(base::invalid("{} prompts with {} answers each; together at most {}",
                                 completion.prompts.size(), choices, kMaxChoices),
                   "n");
  if (completion.logprobs < -1 || completion.logprobs > kMaxLogprobs)
    return invalid(
        base::invalid("logprobs is {}; it must be at most {}", completion.logprobs, kMaxLogprobs),
        "logprobs");
  return {};
}

Outcome<chat::Prompt> make_prompt(const Front& front, const api::Prompt& prompt, bool bos,
                                  std::optional<bool> think) {
  if (const auto* conversation = std::get_if<api::Conversation>(&prompt))
    return of_conversation(front, *conversation, think);
  if (const auto* plain = std::get_if<api::PlainText>(&prompt))
    return chat::raw_prompt(*front.tokenizer, plain->text, plain->special, bos);
  const auto& tokens = std::get<std::vector<text::Token>>(prompt);
  text::Detokenizer detokenizer(front.tokenizer, true);
  chat::Prompt made{tokens, {}, false};
  for (const text::Token token : tokens) made.text += detokenizer.push(token);
  made.text += detokenizer.finish();
  return made;
}

Outcome<std::vector<chat::Prompt>> prepare(const Front& front, const api::Completion& completion,
                                           int positions) {
  if (auto status = sample::validate(completion.sampling, front.sampled_vocab); !status.ok())
    return invalid_setting(status.error());
  const auto most = static_cast<size_t>(positions);
  std::vector<chat::Prompt> prompts;
  for (const api::Prompt& asked : completion.prompts) {
    auto made = make_prompt(front, asked, front.tokenizer->add_bos(), completion.think);
    const auto* conversation = std::get_if<api::Conversation>(&asked);
    if (auto* prompt = std::get_if<chat::Prompt>(&made);
        prompt != nullptr && conversation != nullptr && completion.truncate &&
        prompt->tokens.size() > most)
      made = shortened(front, *conversation, completion.think, std::move(*prompt), most);
    if (auto* fault = std::get_if<api::Fault>(&made)) return std::move(*fault);
    auto& prompt = std::get<chat::Prompt>(made);
    if (auto fault = check_tokens(front, prompt.tokens, param_of(asked))) return std::move(*fault);
    if (prompt.tokens.size() > most)
      return too_long(prompt.tokens.size(), positions, param_of(asked));
    prompts.push_back(std::move(prompt));
  }
  return prompts;
}

Outcome<std::vector<std::vector<text::Token>>> prepare(const Front& front,
                                                       const api::Embedding& embedding,
                                                       int positions) {
  const text::Tokenizer& tokenizer = *front.tokenizer;
  const auto most = static_cast<size_t>(positions);
  std::vector<std::vector<text::Token>> inputs;
  for (const auto& input : embedding.inputs) {
    const auto* written = std::get_if<std::string>(&input);
    std::vector<text::Token> tokens = written != nullptr
                                          ? tokenizer.encode(*written, {.bos = tokenizer.add_bos()})
                                          : std::get<std::vector<text::Token>>(input);
    if (auto fault = check_tokens(front, tokens, "input")) return std::move(*fault);
    if (tokens.size() > most && !embedding.truncate)
      return too_long(tokens.size(), positions, "input");
    tokens.resize(std::min(tokens.size(), most));
    inputs.push_back(std::move(tokens));
  }
  if (inputs.empty()) return invalid(base::invalid("there is no input"), "input");
  return inputs;
}

}  // namespace handmill::router
