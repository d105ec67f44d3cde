// Finds the tokens that are matched whole, before any splitting: control tokens where the caller
// allows them, user-defined ones everywhere. Leftmost first, then longest, as Hugging Face's
// AddedVocabulary does; linear in the text, because no such token may be longer than
// kMaxSpecialBytes.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"

namespace handmill::text {

inline constexpr size_t kMaxSpecialBytes = 512;

struct SpecialToken {
  std::string text;
  Token token = kNoToken;
  bool control = true;      // only where control tokens are allowed
  bool eats_space = false;  // the whitespace after it belongs to it (Phi-3)
};

class SpecialIndex {
 public:
  struct Found {
    Token token;
    size_t end;
  };

  SpecialIndex() = default;
  /// Two tokens of one text are an error, and so is one that is too long; empty ones are left out.
  static Result<SpecialIndex> build(std::vector<SpecialToken> tokens);

  /// The longest token that begins at `begin`; control tokens only if they end by `control_end`.
  std::optional<Found> match(std::string_view text, size_t begin, size_t control_end) const;
  /// By exact text, control tokens only; or kNoToken.
  Token find_control(std::string_view text) const;

 private:
  struct Range {
    uint32_t begin = 0, end = 0;
  };
  std::vector<SpecialToken> tokens_;  // sorted by text: a trie that costs nothing to keep
  std::array<Range, 256> by_first_byte_{};
};

}  // namespace handmill::text
