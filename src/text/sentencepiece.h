// SentencePiece's BPE ("llama" models: gemma, mistral, phi-3): of all neighbours that together are
// a piece, those with the best score merge first, the leftmost of equals. Spaces are spelled
// U+2581, and what no piece covers is spelled in bytes. n characters cost at most 3n heap pushes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/string_index.h"
#include "text/vocabulary.h"

namespace handmill::text {

/// Looking a piece up costs its length; the limit keeps encoding linear.
inline constexpr size_t kMaxPieceBytes = 1024;

class SentencePiece {
 public:
  SentencePiece(SentencePiece&&) = default;
  SentencePiece& operator=(SentencePiece&&) = default;
  struct Options {
    bool add_space_prefix = true;  // a space before the first word, so that it is like the others
    bool remove_extra_whitespaces = false;
  };

  static Result<SentencePiece> build(const Vocabulary& vocabulary, const Options& options);

  /// Returns the number of heap pushes.
  uint64_t encode(std::string_view text, std::vector<Token>& out) const;
  /// REQUIRES: a token of the vocabulary.
  std::string_view bytes(Token token) const { return bytes_[static_cast<size_t>(token)]; }

 private:
  SentencePiece() = default;  // moves, does not copy: the index points into the tables
  struct Symbol {
    uint32_t begin, size;  // in the escaped text; size 0: merged into its left neighbour
    uint32_t previous, next;
  };
  struct Bigram {
    float score;
    uint32_t left;
    uint32_t size;
  };
  struct Work {
    std::string text;
    std::vector<Symbol> symbols;
    std::vector<Bigram> heap;
    uint64_t heap_pushes = 0;
  };

  std::string escape(std::string_view text) const;
  void add_bigram(Work& work, uint32_t left) const;
  void merge(Work& work) const;
  void emit(std::string_view piece, bool& after_unknown, std::vector<Token>& out) const;

  Options options_;
  StringTable bytes_;   // what every token decodes to
  StringTable texts_;   // what pieces_ points into
  StringIndex pieces_;  // by text; the tokens that plain text can become
  std::vector<float> scores_;
  size_t longest_piece_ = 0;
  std::array<Token, 256> byte_tokens_{};
  Token unknown_ = kNoToken;
};

/// The text with U+2581 read as a space.
std::string unescape_spaces(std::string_view text);

}  // namespace handmill::text
