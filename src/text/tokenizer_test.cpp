// Loading from metadata, whole and faulty; control tokens and segments; what a file says of its
// ids.
#include "text/tokenizer.h"

#include <cmath>
#include <gtest/gtest.h>

#include "text/random_text.h"
#include "text/test_file.h"

namespace handmill::text {
namespace {

using Tokens = std::vector<Token>;

std::shared_ptr<const Tokenizer> load(const TestFile& file) {
  auto tokenizer = file.load();
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  return *tokenizer;
}

TestFile chat_file() {
  TestFile file = bpe_file({"h i", "t o", "u s", "us e", "use r"}, "qwen2");
  file.tokens.push_back({"<|im_start|>", 3});
  file.tokens.push_back({"<|im_end|>", 4});  // marked as user-defined, yet an end token
  file.tokens.push_back({"<tool>", 4});
  file.tokens.push_back({"", 5});
  file.tokens.push_back({"", 5});
  return file;
}

TEST(Tokenizer, ControlTokensOnlyWhereTheCallerAsks) {
  TestFile file = chat_file();
  auto tokenizer = load(file);
  const Token s = file.id("<s>"), hi = file.id("hi"), tool = file.id("<tool>");
  EXPECT_EQ(tokenizer->encode("<s>hi", {.special = true}), (Tokens{s, hi}));
  EXPECT_EQ(tokenizer->encode("<s>hi"), (Tokens{'<', 's', '>', hi}));
  EXPECT_EQ(tokenizer->encode("hi", {.bos = true}), (Tokens{s, hi}));
  // User-defined tokens are plain text's, as in Hugging Face's tokenizers and llama.cpp.
  EXPECT_EQ(tokenizer->encode("hi<tool>hi"), (Tokens{hi, tool, hi}));
  EXPECT_EQ(std::ranges::count(tokenizer->encode("<|im_end|>"), file.id("<|im_end|>")), 0);
  EXPECT_EQ(tokenizer->encode(""), Tokens{});
}

TEST(Tokenizer, SegmentsThatTouchAreOneTextAndKeepTheirRights) {
  TestFile file = chat_file();
  auto tokenizer = load(file);
  const Token start = file.id("<|im_start|>"), end = file.id("<|im_end|>");
  auto encode = [&](std::vector<Segment> segments) { return tokenizer->encode(segments, false); };
  EXPECT_EQ(encode({{"h"}, {""}, {"i"}}), (Tokens{file.id("hi")}));
  EXPECT_EQ(encode({{"<|im_start|>us", true}, {"er"}, {"<|im_end|>", true}}),
            (Tokens{start, file.id("user"), end}));
  EXPECT_EQ(encode({{"<|im_", true}, {"end|>", true}}), (Tokens{end}));
  for (auto [first, second] : {std::pair{true, false}, {false, true}, {false, false}}) {
    EXPECT_EQ(std::ranges::count(encode({{"<|im_", first}, {"end|>", second}}), end), 0);
  }
  EXPECT_EQ(tokenizer->encode(std::span<const Segment>(), true), (Tokens{file.id("<s>")}));
}

TEST(Tokenizer, TellsWhatTheFileSays) {
  TestFile file = chat_file();
  file.ids = {{"bos", 256 + 5}, {"eos", 256 + 6}, {"eot", 0}, {"eom", 1}};
  auto tokenizer = load(file);
  EXPECT_EQ(tokenizer->vocab_size(), static_cast<int>(file.tokens.size()));
  EXPECT_EQ(tokenizer->bos(), file.id("<s>"));
  EXPECT_EQ(tokenizer->eos(), file.id("<end>"));
  EXPECT_FALSE(tokenizer->add_bos());
  auto ends = tokenizer->end_tokens();
  EXPECT_EQ(Tokens(ends.begin(), ends.end()),
            (Tokens{0, 1, file.id("<end>"), file.id("<|im_end|>")}));
  EXPECT_TRUE(tokenizer->is_end(0) && tokenizer->is_control(0));
  EXPECT_FALSE(tokenizer->is_end(2) || tokenizer->is_control(2));
  EXPECT_EQ(tokenizer->find_control("<|im_end|>"), file.id("<|im_end|>"));
  EXPECT_EQ(tokenizer->find_control("<tool>"), kNoToken);
  EXPECT_EQ(tokenizer->token_text(' '), "Ġ");
  EXPECT_EQ(tokenizer->token_bytes(' '), " ");
  EXPECT_EQ(tokenizer->token_bytes(file.id("<s>")), "");
  EXPECT_EQ(tokenizer->token_bytes(file.id("<s>"), true), "<s>");
  for (Token bad : {-1, -2'000'000'000, tokenizer->vocab_size(), 2'000'000'000}) {
    EXPECT_EQ(tokenizer->token_bytes(bad), "");
    EXPECT_EQ(tokenizer->token_text(bad), "");
    EXPECT_FALSE(tokenizer->is_control(bad) || tokenizer->is_end(bad));
  }
  file.flags = {{"add_bos_token", true}};
  EXPECT_TRUE(load(file)->add_bos());
  file.flags = {};
  file.pre = "llama-bpe";
  EXPECT_TRUE(load(file)->add_bos());
}

TEST(Tokenizer, AnOrdinaryWordThatLooksLikeAnEndIsOne) {
  TestFile file = bpe_file({"< /", "</ s", "</s >"});
  auto tokenizer = load(file);
  EXPECT_FALSE(tokenizer->is_end(file.id("</s>")) || tokenizer->is_control(file.id("</s>")));
  EXPECT_EQ(tokenizer->token_bytes(file.id("</s>")), "</s>");
}

TEST(Tokenizer, AnyBytesComeBack) {
  auto bpe = load(chat_file());
  TestFile file = sentencepiece_file({"▁", "a", "▁a"});
  auto sentencepiece = load(file);
  RandomText random(1);
  for (int i = 0; i < 1000; ++i) {
    std::string text = random(random.below(6));
    for (uint32_t n = random.below(6); n > 0; --n) text += static_cast<char>(random.below(256));
    std::string bytes;
    for (Token token : bpe->encode(text)) bytes += bpe->token_bytes(token);
    ASSERT_EQ(bytes, text);
    bytes.clear();
    for (Token token : sentencepiece->encode(text)) bytes += sentencepiece->token_bytes(token);
    ASSERT_EQ(bytes, text.empty() ? "" : " " + text);
  }
}

TEST(Tokenizer, SentencePieceGivesEveryPlainTextASpace) {
  TestFile file = sentencepiece_file({"▁a", "▁", "a"});
  file.tokens.push_back({"  ", 4});
  auto tokenizer = load(file);
  const Token a = file.id("▁a"), s = file.id("<s>"), spaces = file.id("  ");
  EXPECT_TRUE(tokenizer->add_bos());
  EXPECT_TRUE(tokenizer->adds_space_prefix());
  EXPECT_EQ(tokenizer->encode("a", {.bos = true}), (Tokens{s, a}));
  EXPECT_EQ(tokenizer->encode("<s>a</s>", {.special = true}), (Tokens{s, a, file.id("</s>")}));
  EXPECT_EQ(tokenizer->encode("<unk>", {.special = true}), (Tokens{0}));
  EXPECT_EQ(tokenizer->encode("a  a"), (Tokens{a, spaces, a}));
  file.flags = {{"add_space_prefix", false}, {"add_bos_token", false}};
  tokenizer = load(file);
  EXPECT_FALSE(tokenizer->add_bos() || tokenizer->adds_space_prefix());
  EXPECT_EQ(tokenizer->encode("a a"), (Tokens{file.id("a"), a}));
  // Phi-3's template tokens take the whitespace after them along; <s> does not.
  file.architecture = "phi3";
  EXPECT_EQ(load(file)->encode("</s>\n a<s> a", {.special = true}),
            (Tokens{file.id("</s>"), file.id("a"), s, a}));
}

/// Loading fails with `code`, and the message names the file and `what`.
void expect_error(const TestFile& file, Code code, std::string_view what) {
  auto tokenizer = file.load();
  ASSERT_FALSE(tokenizer.ok()) << what;
  EXPECT_EQ(tokenizer.error().code, code);
  const std::string& message = tokenizer.error().message;
  EXPECT_NE(message.find(what), std::string::npos) << message << " should name " << what;
  EXPECT_NE(message.find("test.gguf"), std::string::npos) << message;
}

TEST(Tokenizer, WhatIsMissingIsAnErrorThatNamesIt) {
  for (const char* key : {"model", "pre", "tokens", "token_type", "merges"}) {
    TestFile file = chat_file();
    file.without.push_back(key);
    expect_error(file, Code::kNotFound, std::string("tokenizer.ggml.") + key);
  }
  TestFile file = sentencepiece_file({"a"});
  file.without.push_back("scores");
  expect_error(file, Code::kNotFound, "tokenizer.ggml.scores");

  file = chat_file();
  file.model = "t5";
  expect_error(file, Code::kUnsupported, "\"t5\"");
  for (const char* pre : {"default", "", "no-such"}) {
    file = chat_file();
    file.pre = pre;
    expect_error(file, Code::kUnsupported, "qwen2, qwen35, smaug-bpe");
  }
}

TEST(Tokenizer, WhatIsWrongIsAnErrorThatNamesIt) {
  TestFile file = chat_file();
  file.tokens.clear();
  file.merges.clear();
  file.ids.clear();
  expect_error(file, Code::kInvalid, "tokenizer.ggml.tokens is empty");
  file = chat_file();
  file.types_too_few = 1;
  expect_error(file, Code::kInvalid, "tokenizer.ggml.token_type has");
  file = sentencepiece_file({"a"});
  file.scores_too_few = 1;
  expect_error(file, Code::kInvalid, "tokenizer.ggml.scores has");
  file = sentencepiece_file({"a"});
  file.tokens.back().score = std::nanf("");
  expect_error(file, Code::kInvalid, "not a number");
  for (int type : {-1, 7}) {
    file = chat_file();
    file.tokens[3].type = type;
    expect_error(file, Code::kInvalid, "token_type[3]");
  }
  for (const char* name : {"bos", "eos", "eot", "eom", "unknown"}) {
    file = chat_file();
    file.ids = {{name, static_cast<uint32_t>(file.tokens.size())}};
    expect_error(file, Code::kInvalid, std::string(name) + "_token_id");
    file.ids = {{name, ~uint32_t{0}}};
    expect_error(file, Code::kInvalid, std::string(name) + "_token_id");
  }
  file = chat_file();
  file.merges.push_back("h zz");
  expect_error(file, Code::kInvalid, "merge 5");
  file = chat_file();
  file.tokens.push_back({"<|im_start|>", 3});
  expect_error(file, Code::kInvalid, "<|im_start|>");
  file = chat_file();
  file.tokens.push_back({std::string(513, 'x'), 3});
  expect_error(file, Code::kLimit, "513 bytes");
}

}  // namespace
}  // namespace handmill::text
