#include "chat/prompt.h"

#include <utility>

namespace handmill::chat {
namespace {

bool ends_in_think(std::string_view text) {
  constexpr std::string_view kOpen = "<think>";
  const size_t last = text.find_last_not_of(" \n");
  return last != std::string_view::npos && text.substr(0, last + 1).ends_with(kOpen);
}

/// Many templates, and some who write prompts, put bos_token there themselves; two of them would be
/// another prompt.
bool has_bos(const text::Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.bos() != text::kNoToken &&
         text.starts_with(tokenizer.token_text(tokenizer.bos()));
}

/// The names that templates have for it.
void set_think(boost::json::object& variables, bool think) {
  for (const std::string_view name : {"enable_thinking", "thinking"})
    if (!variables.contains(name)) variables[name] = think;
}

}  // namespace

std::string joined(const std::vector<text::Segment>& segments) {
  std::string out;
  for (const text::Segment& segment : segments) out += segment.text;
  return out;
}

Result<Prompt> make_prompt(const Template& chat_template, const text::Tokenizer& tokenizer,
                           const std::vector<Message>& messages, RenderOptions options,
                           std::optional<bool> think) {
  if (think) set_think(options.extra, *think);
  HANDMILL_TRY(std::vector<text::Segment> segments, chat_template.render(messages, options));
  Prompt prompt;
  prompt.text = joined(segments);
  prompt.thinking = ends_in_think(prompt.text);
  if (prompt.thinking && think == false) {
    constexpr std::string_view kNothingThought = "\n</think>\n\n";
    segments.push_back({std::string(kNothingThought), true});
    prompt.text += kNothingThought;
    prompt.thinking = false;
  }
  const bool bos = tokenizer.add_bos() && !has_bos(tokenizer, prompt.text);
  prompt.tokens = tokenizer.encode(segments, bos);
  return prompt;
}

Prompt raw_prompt(const text::Tokenizer& tokenizer, std::string_view text, bool special, bool bos) {
  const bool written = special && has_bos(tokenizer, text);
  const text::EncodeOptions options{.bos = bos && !written, .special = special};
  return {tokenizer.encode(text, options), std::string(text), ends_in_think(text)};
}

}  // namespace handmill::chat
