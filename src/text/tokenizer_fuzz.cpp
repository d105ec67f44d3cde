// libFuzzer: a small vocabulary, merges, types and a text, all from the input, through a GGUF file
// in memory. What loads must encode any text to ids of the vocabulary, keep a control token out of
// plain text, and decode to valid UTF-8.
#include <cstdint>
#include <cstdlib>

#include "text/test_file.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

namespace handmill::text {
namespace {

/// Takes the input apart; past its end everything is 0 and empty.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  uint8_t byte() {
    if (rest_.empty()) return 0;
    auto first = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return first;
  }
  std::string string() {
    std::string text(rest_.substr(0, byte() % 16));
    rest_.remove_prefix(std::min(rest_.size(), text.size()));
    return text;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

void require(bool condition) {
  if (!condition) std::abort();
}

TestFile file_from(Input& input) {
  constexpr const char* kPre[] = {"gpt-2",          "smollm",     "llama-bpe", "qwen2",
                                  "qwen35",         "tekken",     "gpt-4o",    "deepseek-llm",
                                  "deepseek-coder", "deepseek-v3"};
  const uint8_t choice = input.byte();
  TestFile file;
  file.model = choice & 1 ? "llama" : "gpt2";
  file.pre = kPre[choice / 2 % std::size(kPre)];
  file.architecture = choice & 128 ? "phi3" : "llama";
  file.flags = {{"add_space_prefix", input.byte() % 2 == 0},
                {"remove_extra_whitespaces", input.byte() % 2 == 0}};
  file.ids = {{"bos", input.byte()}, {"eos", input.byte()}, {"unknown", input.byte() % 8u}};
  for (uint8_t n = input.byte() % 64; n > 0; --n) {
    std::string text = input.string();
    const uint8_t kind = input.byte();
    file.tokens.push_back({text, 1 + kind % 6, static_cast<float>(kind / 6)});
  }
  for (uint8_t n = input.byte() % 64; n > 0; --n) {
    if (file.tokens.empty()) break;
    auto token = [&] { return file.tokens[input.byte() % file.tokens.size()].text; };
    std::string left = token();
    file.merges.push_back(left + (input.byte() % 64 ? " " : "") + token());
  }
  return file;
}

void check(const std::shared_ptr<const Tokenizer>& tokenizer, std::string_view text, bool special) {
  Detokenizer detokenizer(tokenizer, special);
  std::string decoded;
  for (Token token : tokenizer->encode(text, {.bos = special, .special = special})) {
    require(token >= 0 && token < tokenizer->vocab_size());
    require(special || !tokenizer->is_control(token));
    decoded += detokenizer.push(token);
  }
  decoded += detokenizer.finish();
  for (size_t i = 0; i < decoded.size();) {
    Utf8Unit unit = utf8_unit(decoded, i);
    require(unit.kind == Utf8Unit::kChar);
    i += unit.size;
  }
}

}  // namespace
}  // namespace handmill::text

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace handmill::text;
  Input input(data, size);
  auto tokenizer = file_from(input).load();
  if (!tokenizer) return 0;
  check(*tokenizer, input.rest(), false);
  check(*tokenizer, input.rest(), true);
  // Plain pieces that touch are one text.
  const std::string_view text = input.rest();
  const size_t cut = text.empty() ? 0 : static_cast<uint8_t>(text[0]) % text.size();
  const Segment pieces[] = {{std::string(text.substr(0, cut))}, {std::string(text.substr(cut))}};
  require((*tokenizer)->encode(pieces, false) == (*tokenizer)->encode(text));
  return 0;
}
