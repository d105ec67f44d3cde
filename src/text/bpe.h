// Byte-level byte-pair encoding ("gpt2" models): merges of token pairs in order of rank, the
// leftmost first. A word of n bytes costs at most 3n heap pushes, whatever it holds.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/split.h"
#include "text/string_index.h"
#include "text/vocabulary.h"

namespace handmill::text {

/// The merge of two tokens, by their ids. Open addressing, at most half full.
class MergeTable {
 public:
  struct Merge {
    uint32_t rank;
    Token merged;
  };
  explicit MergeTable(size_t capacity = 0);
  /// Keeps the earlier of two merges of one pair.
  void insert(Token left, Token right, Merge merge);
  /// nullptr if the pair does not merge.
  const Merge* find(Token left, Token right) const;

 private:
  struct Slot {
    uint64_t pair = kFree;
    Merge merge{};
  };
  static constexpr uint64_t kFree = ~uint64_t{0};
  size_t position(uint64_t pair) const;
  std::vector<Slot> slots_;
};

class Bpe {
 public:
  Bpe(Bpe&&) = default;
  Bpe& operator=(Bpe&&) = default;
  /// Memory that encode_word needs, kept between words.
  struct Scratch {
    struct Symbol {
      Token token;
      uint32_t previous, next;
      uint32_t rank;  // of the merge with `next`; kNoRank if there is none, or the symbol is gone
      Token merged;
    };
    std::vector<Symbol> symbols;
    std::vector<uint64_t> heap;  // rank << 32 | symbol, smallest first
    uint64_t heap_pushes = 0;    // since the Scratch was made
  };

  /// Each merge is "left right" in the vocabulary's spelling; a merge of tokens that the vocabulary
  /// lacks is an error, one of tokens that plain text may not become is passed over.
  static Result<Bpe> build(const Vocabulary& vocabulary, std::span<const std::string_view> merges,
                           const PreTokenizer& pre_tokenizer);

  void encode(std::string_view text, std::vector<Token>& out) const;
  void encode_word(std::string_view word, Scratch& scratch, std::vector<Token>& out) const;
  /// REQUIRES: a token of the vocabulary.
  std::string_view bytes(Token token) const { return bytes_[static_cast<size_t>(token)]; }

 private:
  Bpe() = default;  // moves, does not copy: the index points into the tables
  Status index_words(const Vocabulary& vocabulary);
  Status read_merges(const Vocabulary& vocabulary, std::span<const std::string_view> merges);
  void merge_symbols(Scratch& scratch) const;
  void look_up_pair(Scratch& scratch, uint32_t left) const;

  StringTable bytes_;  // of every token
  StringIndex words_;  // by bytes; the tokens that plain text can become
  std::array<Token, 256> byte_tokens_{};
  MergeTable merges_;
  std::span<const Finder> stages_;
  bool ignore_merges_ = false;
};

}  // namespace handmill::text
