// The tokens that a file lists: text, type and score each, and the ids that mean something. Read
// from GGUF metadata, every count and id checked; the encoders are built on it.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/file.h"
#include "text/string_index.h"
#include "text/tokenizer.h"

namespace handmill::text {

/// As in tokenizer.ggml.token_type.
enum class TokenType : uint8_t {
  kNormal = 1,
  kUnknown,
  kControl,
  kUserDefined,  // matched whole in any text
  kUnused,
  kByte,  // "<0x0A>": a SentencePiece model's spelling of a byte
};

struct Vocabulary {
  StringTable texts;  // as the file spells them
  std::vector<TokenType> types;
  std::vector<float> scores;  // SentencePiece only
  Token bos = kNoToken, eos = kNoToken, unknown = kNoToken;
  std::vector<Token> end_tokens;  // sorted; all of them control tokens

  int size() const { return static_cast<int>(types.size()); }
  bool has(Token token) const { return token >= 0 && token < size(); }
  void add(std::string_view text, TokenType type = TokenType::kNormal, float score = 0);

  /// Fills end_tokens: eos, `more`, and the well-known ones ("<|im_end|>", …) that are not ordinary
  /// words. They and bos become control tokens, whatever the file calls them.
  void settle_control_tokens(std::span<const Token> more);
};

/// `scores`: the model needs tokenizer.ggml.scores.
Result<Vocabulary> read_vocabulary(const gguf::File& file, bool scores);

}  // namespace handmill::text
