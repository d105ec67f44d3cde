// A tokenizer file made in memory, for tests: a small vocabulary with one fault at will.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "gguf/writer.h"
#include "text/tokenizer.h"

namespace handmill::text {

/// The metadata of a tokenizer; change a member, then load().
struct TestFile {
  struct Entry {
    std::string text{};
    int type = 1;
    float score = 0;
  };
  std::string model{}, pre{};
  std::vector<Entry> tokens{};
  std::vector<std::string> merges{};
  std::vector<std::pair<std::string, uint32_t>> ids{};  // "eos" for tokenizer.ggml.eos_token_id
  std::vector<std::pair<std::string, bool>> flags{};    // "add_bos_token"
  std::string architecture = "llama";
  std::vector<std::string> without{};  // keys left out, with "tokenizer.ggml." before them
  int types_too_few = 0, scores_too_few = 0;

  std::vector<uint8_t> bytes() const {
    gguf::Writer writer;
    auto has = [this](const char* key) { return std::ranges::count(without, key) == 0; };
    auto key = [](const std::string& name) { return "tokenizer.ggml." + name; };
    std::vector<std::string_view> texts, merge_texts(merges.begin(), merges.end());
    std::vector<int32_t> types;
    std::vector<float> scores;
    for (const Entry& each : tokens) {
      texts.push_back(each.text);
      types.push_back(each.type);
      scores.push_back(each.score);
    }
    types.resize(types.size() - static_cast<size_t>(types_too_few));
    scores.resize(scores.size() - static_cast<size_t>(scores_too_few));
    writer.set_string("general.architecture", architecture);
    if (has("model")) writer.set_string(key("model"), model);
    if (has("pre")) writer.set_string(key("pre"), pre);
    if (has("tokens")) writer.set_strings(key("tokens"), texts);
    if (has("token_type")) writer.set_array<int32_t>(key("token_type"), types);
    if (has("scores")) writer.set_array<float>(key("scores"), scores);
    if (has("merges")) writer.set_strings(key("merges"), merge_texts);
    for (const auto& [name, id] : ids) writer.set(key(name + "_token_id"), id);
    for (const auto& [name, value] : flags) writer.set(key(name), value);
    return writer.bytes();
  }

  Result<std::shared_ptr<const Tokenizer>> load() const {
    const std::vector<uint8_t> data = bytes();
    auto file = gguf::File::parse(data, "test.gguf");
    if (!file) return file.error();
    return Tokenizer::load(*file);
  }

  Token id(std::string_view text) const {
    auto place = std::ranges::find(tokens, text, &Entry::text);
    return place == tokens.end() ? kNoToken : static_cast<Token>(place - tokens.begin());
  }
};

/// How GPT-2's vocabulary spells bytes: "Ġ" for a space.
std::string spell_bytes(std::string_view bytes);

/// Every byte, the tokens that `merges` ("h e", "he l") make, and control tokens "<s>" and "<end>".
TestFile bpe_file(const std::vector<std::string>& merges, const std::string& pre = "gpt-2");

/// "<unk>", "<s>", "</s>", the 256 bytes, and `pieces` with scores -0, -1, -2 …
TestFile sentencepiece_file(const std::vector<std::string>& pieces);

}  // namespace handmill::text
