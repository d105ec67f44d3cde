// Bookkeeping of a paged key/value cache: which block of the store holds which positions of which
// sequence. Sequences with an equal prefix share its full blocks, copy-free; a full block stays
// findable after its last holder has gone, until its memory is needed (least recently used first).
// Invariant: every block is free, or held by as many tables as Pool counts. No scheduling policy,
// no lock; the steady state allocates nothing. Serves the engine.
#pragma once

#include <span>
#include <vector>

#include "kv/pool.h"
#include "kv/prefix_index.h"

namespace handmill::kv {

/// The blocks of one sequence: position p lies in table[p / kKvBlock]. Only a Cache changes it.
using BlockTable = std::vector<Block>;

/// Blocks that `positions` take.
int blocks_for(int positions);

class Cache {
 public:
  explicit Cache(int blocks, PrefixIndex::Hash hash = PrefixIndex::mix);

  int blocks() const { return pool_.size(); }
  /// Blocks that nobody holds; findable ones among them are forgotten as they are taken.
  int free_blocks() const { return pool_.free(); }

  /// Shares the longest findable prefix of `tokens` into an empty table. Returns its positions, a
  /// multiple of kKvBlock.
  int match(std::span<const Token> tokens, BlockTable& table);
  /// Takes blocks until `positions` fit; false, and nothing is changed, when too few are free.
  bool grow(BlockTable& table, int positions);
  /// Makes the full blocks of a table findable. `tokens` are those whose keys and values are
  /// stored, from position 0. Where an equal prefix is findable already, the table shares that
  /// block and drops its own: their bits are the same.
  void publish(BlockTable& table, std::span<const Token> tokens);
  /// Lets go of every block of the table, and empties it.
  void release(BlockTable& table);
  /// Forgets every prefix; tables keep their blocks.
  void clear() { index_.clear(); }

  int holders(Block block) const { return pool_.holders(block); }
  bool findable(Block block) const { return index_.knows(block); }

 private:
  Pool pool_;
  PrefixIndex index_;
};

}  // namespace handmill::kv
