// BOS once, thinking asked for and against, and what a prompt says of itself.
#include "chat/prompt.h"

#include <gtest/gtest.h>

namespace handmill::chat {
namespace {

/// Tokens are bytes; 256 is BOS, "<s>", which only special text can hold.
class Bytes : public text::Tokenizer {
 public:
  explicit Bytes(bool add_bos) { bos_ = 256, add_bos_ = add_bos; }
  int vocab_size() const override { return 257; }
  std::vector<text::Token> encode(std::string_view text,
                                  const text::EncodeOptions& options) const override {
    std::vector<text::Token> tokens;
    if (options.bos) tokens.push_back(bos_);
    for (size_t i = 0; i < text.size(); ++i) {
      const bool control = options.special && text.substr(i).starts_with("<s>");
      tokens.push_back(control ? bos_ : static_cast<unsigned char>(text[i]));
      i += control ? 2 : 0;
    }
    return tokens;
  }
  std::vector<text::Token> encode(std::span<const text::Segment> segments,
                                  bool bos) const override {
    std::vector<text::Token> tokens;
    if (bos) tokens.push_back(bos_);
    for (const text::Segment& segment : segments) {
      const auto more = encode(segment.text, {.special = segment.special});
      tokens.insert(tokens.end(), more.begin(), more.end());
    }
    return tokens;
  }
  std::string token_bytes(text::Token, bool) const override { return {}; }
  std::string_view token_text(text::Token) const override { return "<s>"; }
  bool is_control(text::Token token) const override { return token == 256; }
  text::Token find_control(std::string_view) const override { return text::kNoToken; }
};

Prompt made(std::string_view source, std::optional<bool> think = {}, std::string said = "hi",
            bool add_bos = true) {
  const auto parsed = Template::parse(source, "<s>", "</s>");
  EXPECT_TRUE(parsed.ok());
  const auto prompt =
      make_prompt(**parsed, Bytes(add_bos), {{"user", std::move(said), {}}}, {}, think);
  EXPECT_TRUE(prompt.ok()) << prompt.error().message;
  return *prompt;
}

TEST(Prompt, BeginsWithBosOnce) {
  const std::vector<text::Token> once = {256, 'h', 'i'};
  EXPECT_EQ(made("{{ messages[0].content }}").tokens, once);
  EXPECT_EQ(made("{{ bos_token }}{{ messages[0].content }}").tokens, once);
  EXPECT_EQ(made("{{ bos_token }}{{ messages[0].content }}", {}, "hi", false).tokens, once);
  EXPECT_EQ(made("{{ messages[0].content }}", {}, "hi", false).tokens,
            (std::vector<text::Token>{'h', 'i'}));
  EXPECT_EQ(made("{{ messages[0].content }}").text, "hi");
  EXPECT_EQ(raw_prompt(Bytes(true), "hi", true, true).tokens, once);
  EXPECT_EQ(raw_prompt(Bytes(true), "<s>hi", true, true).tokens, once);
  // Without `special` it is text, and no BOS.
  EXPECT_EQ(raw_prompt(Bytes(true), "<s>", false, true).tokens,
            (std::vector<text::Token>{256, '<', 's', '>'}));
}

TEST(Prompt, AsksForThoughtOrAgainst) {
  constexpr std::string_view kQwen =
      "{{ 'x' }}{% if enable_thinking is defined and not enable_thinking %}{{ 'no' }}{% endif %}";
  EXPECT_EQ(made(kQwen).text, "x");
  EXPECT_EQ(made(kQwen, true).text, "x");
  EXPECT_EQ(made(kQwen, false).text, "xno");
  // One that always opens the part.
  constexpr std::string_view kAlways = "x<think>\n";
  EXPECT_TRUE(made(kAlways).thinking);
  EXPECT_TRUE(made(kAlways, true).thinking);
  const Prompt against = made(kAlways, false);
  EXPECT_FALSE(against.thinking);
  EXPECT_TRUE(against.text.ends_with("</think>\n\n")) << against.text;
}

TEST(Prompt, WhatARequestSaysOfItsVariablesCounts) {
  const auto parsed = Template::parse("{{ enable_thinking }}", "", "");
  RenderOptions options;
  options.extra = {{"enable_thinking", false}};
  const auto prompt = make_prompt(**parsed, Bytes(false), {}, options, true);
  EXPECT_EQ(prompt->text, "False");
}

}  // namespace
}  // namespace handmill::chat
