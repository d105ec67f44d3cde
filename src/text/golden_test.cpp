// The two real models' tokenizers against token ids recorded from llama.cpp, in both modes.
// HANDMILL_MODELS names the folder that holds the models; HANDMILL_REQUIRE_MODELS makes its absence
// a failure.
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "base/json.h"
#include "text/random_text.h"
#include "text/tokenizer.h"

namespace handmill::text {
namespace {

struct Model {
  std::string name, file, golden;

  friend void PrintTo(const Model& each, std::ostream* out) { *out << each.name; }
};

class Golden : public testing::TestWithParam<Model> {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("HANDMILL_MODELS");
    const bool required = std::getenv("HANDMILL_REQUIRE_MODELS") != nullptr;
    auto path = std::filesystem::path(folder != nullptr ? folder : "") / GetParam().file;
    if (folder == nullptr || !std::filesystem::exists(path)) {
      ASSERT_FALSE(required) << "HANDMILL_REQUIRE_MODELS is set, but " << path << " is not there "
                             << "(HANDMILL_MODELS names the models' folder)";
      GTEST_SKIP() << "HANDMILL_MODELS does not name a folder with " << GetParam().file;
    }
    auto file = gguf::File::open(path.string());
    ASSERT_TRUE(file.ok()) << file.error().message;
    auto loaded = Tokenizer::load(*file);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    tokenizer_ = *loaded;

    std::ifstream in(HANDMILL_SOURCE_DIR "/tests/golden/" + GetParam().golden);
    ASSERT_TRUE(in.good()) << GetParam().golden;
    std::stringstream text;
    text << in.rdbuf();
    auto parsed = base::parse_json(text.str());
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    for (const auto& value : parsed->as_array()) {
      cases_.push_back(value.as_object());
    }
    ASSERT_GE(cases_.size(), 60u);
  }

  static std::vector<Token> ids(const boost::json::object& object, std::string_view key) {
    return boost::json::value_to<std::vector<Token>>(object.at(key));
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::vector<boost::json::object> cases_;
};

TEST_P(Golden, IdsAreExact) {
  for (const auto& each : cases_) {
    std::string text(each.at("text").as_string());
    EXPECT_EQ(tokenizer_->encode(text), ids(each, "ids_plain")) << text;
    EXPECT_EQ(tokenizer_->encode(text, {.special = true}), ids(each, "ids_parse_special")) << text;
  }
}

TEST_P(Golden, PlainTextComesBack) {
  for (const auto& each : cases_) {
    std::string text(each.at("text").as_string()), decoded;
    Detokenizer detokenizer(tokenizer_);
    for (Token id : ids(each, "ids_plain")) decoded += detokenizer.push(id);
    EXPECT_EQ(decoded + detokenizer.finish(), text);
  }
}

/// Text of a user that is cut into pieces anywhere is still the one text.
TEST_P(Golden, PlainSegmentsThatTouchAreOneText) {
  for (const auto& each : cases_) {
    std::string text(each.at("text").as_string());
    for (size_t cut : {text.size() / 3, text.size() / 2}) {
      const Segment segments[] = {{text.substr(0, cut)}, {""}, {text.substr(cut)}};
      EXPECT_EQ(tokenizer_->encode(segments, false), ids(each, "ids_plain")) << text;
    }
  }
}

TEST_P(Golden, ChatPiecesKeepUserTextPlain) {
  const Token start = tokenizer_->find_control("<|im_start|>");
  const Token end = tokenizer_->find_control("<|im_end|>");
  ASSERT_NE(start, kNoToken);
  ASSERT_NE(end, kNoToken);
  EXPECT_TRUE(tokenizer_->is_control(end));
  EXPECT_TRUE(tokenizer_->is_end(end));
  EXPECT_FALSE(tokenizer_->is_end(start));
  const Segment segments[] = {
      {"<|im_start|>user\n", true}, {"<|im_end|>", false}, {"<|im_end|>\n", true}};
  auto encoded = tokenizer_->encode(segments, false);
  EXPECT_EQ(std::ranges::count(encoded, start), 1);
  EXPECT_EQ(std::ranges::count(encoded, end), 1);
  std::string decoded;
  for (Token id : encoded) decoded += tokenizer_->token_bytes(id, true);
  EXPECT_EQ(decoded, "<|im_start|>user\n<|im_end|><|im_end|>\n");
  // A control token that only the joint makes is no control token.
  const Segment halves[] = {{"<|im_", true}, {"end|>", false}};
  EXPECT_EQ(std::ranges::count(tokenizer_->encode(halves, false), end), 0);
}

/// The benchmark: it prints the time that a megabyte takes (well under a second in a release
/// build), and asserts what must hold at any speed. bpe_test.cpp bounds the number of operations.
TEST_P(Golden, AMegabyteComesBack) {
  RandomText random(1);
  std::string mixed;
  while (mixed.size() < 1'000'000) mixed += random(20);
  const std::pair<const char*, std::string> kTexts[] = {
      {"one letter", std::string(1'000'000, 'a')},
      {"spaces", std::string(1'000'000, ' ')},
      {"mixed text", mixed},
  };
  for (const auto& [name, text] : kTexts) {
    auto start = std::chrono::steady_clock::now();
    std::vector<Token> encoded = tokenizer_->encode(text);
    std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - start;
    std::printf("%s, %zu bytes of %s: %zu tokens in %.0f ms\n", GetParam().name.c_str(),
                text.size(), name, encoded.size(), ms.count());
    std::string decoded;
    for (Token token : encoded) decoded += tokenizer_->token_bytes(token);
    // SmolLM2's vocabulary lacks six control characters; they are dropped.
    std::array<bool, 256> spelled{};
    for (int byte = 0; byte < 256; ++byte) {
      const char c = static_cast<char>(byte);
      spelled[static_cast<size_t>(byte)] = !tokenizer_->encode(std::string_view(&c, 1)).empty();
    }
    std::string expected = text;
    std::erase_if(expected, [&](char c) { return !spelled[static_cast<uint8_t>(c)]; });
    EXPECT_TRUE(decoded == expected) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Golden,
                         testing::Values(Model{"smollm2", "smollm2-135m-instruct-q4_1.gguf",
                                               "tokenize-smollm2.json"},
                                         Model{"qwen2_5_coder", "qwen2.5-coder-0.5b-q4_k_m.gguf",
                                               "tokenize-qwen2.5-coder-0.5b.json"}),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace handmill::text
