// What followed the last time: finds the longest earlier place of a text that ends as the text does
// now, and offers what came after it (prompt lookup). Every token is indexed once; a search looks
// at a bounded number of places. Serves the speculation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "text/tokenizer.h"

namespace handmill::engine {

class Lookup {
 public:
  static constexpr int kLeast = 2;  // tokens that must agree
  static constexpr int kMost = 16;  // beyond which one place is as good as another

  struct Match {
    int length = 0;  // tokens that agree, kLeast to kMost; 0: there is no such place
    int next = 0;    // position of the token that followed
  };

  /// Takes all memory for a text that grows to `length`.
  void begin(size_t length);
  bool begun() const { return !latest_.empty(); }
  /// Indexes what `tokens` has beyond the text of the last call, which it begins with.
  void extend(std::span<const text::Token> tokens);
  /// The best place for the text of the last extend(), and of equals the one that served last,
  /// then the latest.
  Match find(std::span<const text::Token> tokens);
  /// Appends `count` tokens that followed; the copy reads on in its own output where the place is
  /// near the end, so that a loop goes round.
  static void copy(std::span<const text::Token> tokens, const Match& match, int count,
                   std::vector<text::Token>& out);

 private:
  size_t bucket(text::Token a, text::Token b) const;

  std::vector<int32_t> latest_;  // [a power of two] → last position of a pair's second token
  std::vector<int32_t> before_;  // [text] → the position before, in the same bucket
  int served_ = 0;               // next of the place that served last, moved on while it was right
};

}  // namespace handmill::engine
