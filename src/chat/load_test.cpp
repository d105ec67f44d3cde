// The template of a model file, and what stands in where it has none.
#include <gtest/gtest.h>
#include <string>

#include "chat/render_check.h"
#include "gguf/writer.h"

namespace handmill::chat {
namespace {

/// Knows the texts of two tokens, and nothing else.
class TwoTokens : public text::Tokenizer {
 public:
  explicit TwoTokens(text::Token bos) { bos_ = bos, eos_ = 1; }
  int vocab_size() const override { return 2; }
  std::vector<text::Token> encode(std::string_view, const text::EncodeOptions&) const override {
    return {};
  }
  std::vector<text::Token> encode(std::span<const text::Segment>, bool) const override {
    return {};
  }
  std::string token_bytes(text::Token, bool) const override { return {}; }
  std::string_view token_text(text::Token token) const override {
    return token == 0 ? "<bos>" : "<eos>";
  }
  bool is_control(text::Token) const override { return true; }
  text::Token find_control(std::string_view) const override { return text::kNoToken; }
};

std::string loaded(const gguf::Writer& writer, text::Token bos = 0) {
  std::vector<uint8_t> bytes = writer.bytes();
  auto file = gguf::File::parse(bytes, "made.gguf");
  if (!file.ok()) return file.error().message;
  auto made = Template::load(*file, TwoTokens(bos));
  if (!made.ok()) return made.error().message;
  return marked((*made)->render({{"user", "hi", {}}}));
}

TEST(Load, TheFilesOwnTemplateWithItsTokens) {
  gguf::Writer writer;
  writer.set_string("tokenizer.chat_template",
                    "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}");
  EXPECT_EQ(loaded(writer), "<bos>[hi]<eos>");
  EXPECT_EQ(loaded(writer, text::kNoToken), "[hi]<eos>");
}

TEST(Load, ChatMlWhereThereIsNone) {
  gguf::Writer writer;
  writer.set_string("general.architecture", "llama");
  EXPECT_EQ(loaded(writer), "<|im_start|>[user]\n[hi]<|im_end|>\n<|im_start|>assistant\n");
}

TEST(Load, AFaultNamesFileAndLine) {
  gguf::Writer writer;
  writer.set_string("tokenizer.chat_template", "\n{{ x|nope }}");
  EXPECT_EQ(loaded(writer), "made.gguf: tokenizer.chat_template: line 2: unknown filter 'nope'");
  gguf::Writer wrong;
  wrong.set<uint32_t>("tokenizer.chat_template", 7);
  EXPECT_NE(loaded(wrong).find("tokenizer.chat_template"), std::string::npos);
}

}  // namespace
}  // namespace handmill::chat
