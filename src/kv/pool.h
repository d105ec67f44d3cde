// The blocks of a key/value store: who holds each, and in which order the free ones are reused.
// Invariant: a block is in the free list exactly when nobody holds it. Serves Cache.
#pragma once

#include <cstdint>
#include <vector>

namespace handmill::kv {

/// Index of a block of a backend::KvStore.
using Block = int32_t;
inline constexpr Block kNoBlock = -1;

/// All memory is taken by the constructor; every call is O(1).
class Pool {
 public:
  explicit Pool(int blocks);

  int size() const { return static_cast<int>(holders_.size()); }
  int free() const { return free_; }
  int holders(Block block) const { return holders_[block]; }

  /// The block that take() would give next, or kNoBlock when all are held.
  Block next() const { return links_[end()].after == end() ? kNoBlock : links_[end()].after; }
  /// Gives next() its first holder. REQUIRES: free() > 0.
  Block take();
  /// One more holder; a free block leaves the free list.
  void share(Block block);
  /// One holder fewer. When it was the last, the block is free: reused after every other free block
  /// if its content may be wanted again (`keep`), otherwise before them.
  void drop(Block block, bool keep);

 private:
  struct Link {
    Block before, after;
  };
  Block end() const { return size(); }  // the list's own node, before its first and after its last
  void insert_before(Block block, Block at);
  void remove(Block block);

  std::vector<int32_t> holders_;
  std::vector<Link> links_;  // [blocks + 1], a ring through the free blocks and end()
  int free_ = 0;
};

}  // namespace handmill::kv
