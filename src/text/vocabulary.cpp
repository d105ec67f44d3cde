// Reads a vocabulary from metadata. What real files get wrong is put right here and nowhere else:
// end tokens that are marked as plain text.
#include "text/vocabulary.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace handmill::text {
namespace {

constexpr std::string_view kEndTexts[] = {
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "<|endoftext|>",
    "<|end_of_turn|>",
    "<end_of_turn>",
    "<|return|>",
    "<|call|>",
    "<end_of_utterance>",
    "<｜end▁of▁sentence｜>",
    "<EOT>",
    "<|EOT|>",
    "</s>",
    "<eos>",
};

/// A token id that the metadata names; absent keys are kNoToken.
Result<Token> read_id(const gguf::File& file, std::string_view name, int vocab_size) {
  std::string key = fmt::format("tokenizer.ggml.{}_token_id", name);
  if (!file.has(key)) return kNoToken;
  HANDMILL_TRY(uint64_t id, file.get_uint(key));
  if (id >= static_cast<uint64_t>(vocab_size)) {
    return base::invalid("{}: {} is {}, but the vocabulary has {} tokens", file.path(), key, id,
                         vocab_size);
  }
  return static_cast<Token>(id);
}

Status check_length(const gguf::File& file, std::string_view key, size_t length, size_t tokens) {
  if (length == tokens) return {};
  return base::invalid("{}: {} has {} elements, but the vocabulary has {} tokens", file.path(), key,
                       length, tokens);
}

Status read_texts(const gguf::File& file, Vocabulary& vocabulary) {
  constexpr std::string_view key = "tokenizer.ggml.tokens";
  HANDMILL_TRY(std::vector<std::string_view> texts, file.get_strings(key));
  if (texts.empty()) return base::invalid("{}: {} is empty", file.path(), key);
  if (texts.size() > size_t{std::numeric_limits<Token>::max()}) {
    return base::limit("{}: {} has {} elements; at most 2^31-1 are possible", file.path(), key,
                       texts.size());
  }
  size_t bytes = 0;
  for (std::string_view text : texts) bytes += text.size();
  vocabulary.texts.reserve(texts.size(), bytes);
  for (std::string_view text : texts) vocabulary.texts.add(text);
  return {};
}

Status read_types(const gguf::File& file, Vocabulary& vocabulary) {
  constexpr std::string_view key = "tokenizer.ggml.token_type";
  HANDMILL_TRY(std::vector<int64_t> types, file.get_ints(key));
  HANDMILL_OK(check_length(file, key, types.size(), vocabulary.texts.size()));
  vocabulary.types.reserve(types.size());
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i] < 0 || types[i] > static_cast<int64_t>(TokenType::kByte)) {
      return base::invalid("{}: {}[{}] is {}; the types are 0 to 6", file.path(), key, i, types[i]);
    }
    // 0 is "undefined" in the specification: a token like any other.
    vocabulary.types.push_back(types[i] == 0 ? TokenType::kNormal
                                             : static_cast<TokenType>(types[i]));
  }
  return {};
}

Status read_scores(const gguf::File& file, Vocabulary& vocabulary) {
  constexpr std::string_view key = "tokenizer.ggml.scores";
  HANDMILL_TRY(vocabulary.scores, file.get_floats(key));
  HANDMILL_OK(check_length(file, key, vocabulary.scores.size(), vocabulary.texts.size()));
  auto bad = std::ranges::find_if(vocabulary.scores, [](float x) { return std::isnan(x); });
  if (bad == vocabulary.scores.end()) return {};
  return base::invalid("{}: {}[{}] is not a number", file.path(), key,
                       bad - vocabulary.scores.begin());
}

}  // namespace

void Vocabulary::add(std::string_view text, TokenType type, float score) {
  texts.add(text);
  types.push_back(type);
  scores.push_back(score);
}

void Vocabulary::settle_control_tokens(std::span<const Token> more) {
  end_tokens.assign(more.begin(), more.end());
  end_tokens.push_back(eos);
  for (Token token = 0; token < size(); ++token) {
    // An ordinary word of this spelling is one: Qwen's vocabulary has "</s>" among its merges.
    if (types[token] != TokenType::kControl && types[token] != TokenType::kUserDefined) continue;
    if (std::ranges::count(kEndTexts, texts[token]) != 0) end_tokens.push_back(token);
  }
  std::ranges::sort(end_tokens);
  end_tokens.erase(std::ranges::unique(end_tokens).begin(), end_tokens.end());
  std::erase(end_tokens, kNoToken);
  // Plain text must never become one of these, so no type but control will do.
  for (Token token : end_tokens) types[token] = TokenType::kControl;
  if (bos != kNoToken) types[bos] = TokenType::kControl;
}

Result<Vocabulary> read_vocabulary(const gguf::File& file, bool scores) {
  Vocabulary vocabulary;
  HANDMILL_OK(read_texts(file, vocabulary));
  HANDMILL_OK(read_types(file, vocabulary));
  if (scores) HANDMILL_OK(read_scores(file, vocabulary));
  const int size = vocabulary.size();
  HANDMILL_TRY(vocabulary.bos, read_id(file, "bos", size));
  HANDMILL_TRY(vocabulary.eos, read_id(file, "eos", size));
  HANDMILL_TRY(vocabulary.unknown, read_id(file, "unknown", size));
  HANDMILL_TRY(Token eot, read_id(file, "eot", size));
  HANDMILL_TRY(Token eom, read_id(file, "eom", size));
  const Token more[] = {eot, eom};
  vocabulary.settle_control_tokens(more);
  return vocabulary;
}

}  // namespace handmill::text
