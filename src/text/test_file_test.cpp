// The builders of test_file.h; they stand in a _test file so that only the tests link them.
#include "text/test_file.h"

#include <fmt/format.h>

#include "text/unicode.h"

namespace handmill::text {

std::string spell_bytes(std::string_view bytes) {
  std::string spelled;
  for (char c : bytes) {
    char32_t byte = static_cast<uint8_t>(c), other = 0;
    auto itself = [](char32_t b) { return (b >= 33 && b <= 126) || (b >= 161 && b != 173); };
    for (char32_t b = 0; b < byte; ++b) other += !itself(b);
    append_utf8(spelled, itself(byte) ? byte : 256 + other);
  }
  return spelled;
}

TestFile bpe_file(const std::vector<std::string>& merges, const std::string& pre) {
  TestFile file{.model = "gpt2", .pre = pre, .merges = merges, .without = {"scores"}};
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    file.tokens.push_back({spell_bytes({&c, 1})});
  }
  for (const std::string& merge : merges) {
    std::string joint = merge;
    joint.erase(joint.find(' '), 1);
    if (file.id(joint) == kNoToken) file.tokens.push_back({joint});
  }
  file.tokens.push_back({"<s>", 3});
  file.tokens.push_back({"<end>", 3});
  file.ids = {{"bos", file.id("<s>")}, {"eos", file.id("<end>")}};
  return file;
}

TestFile sentencepiece_file(const std::vector<std::string>& pieces) {
  TestFile file{.model = "llama", .pre = "default", .without = {"merges"}};
  file.tokens = {{"<unk>", 2}, {"<s>", 3}, {"</s>", 3}};
  for (int byte = 0; byte < 256; ++byte)
    file.tokens.push_back({fmt::format("<0x{:02X}>", byte), 6});
  for (float score = 0; const std::string& piece : pieces)
    file.tokens.push_back({piece, 1, score--});
  file.ids = {{"unknown", 0}, {"bos", 1}, {"eos", 2}};
  return file;
}

}  // namespace handmill::text
