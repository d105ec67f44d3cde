// Finds full blocks by what they hold. A known block has a PrefixId that stands for exactly one
// text, the tokens from position 0 to the block's end; its key is its parent's id and its own
// tokens. Ids are never used again, so a key cannot outlive its meaning. The hash only finds
// candidates: id and tokens are compared, and texts with equal hashes never share. It has a random
// key, so that no client can fill one bucket. Serves Cache.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kv/pool.h"
#include "kv/siphash.h"

namespace handmill::kv {

using Token = int32_t;
using PrefixId = uint64_t;
inline constexpr PrefixId kNoPrefix = 0;  // of an unknown block; as a parent: the empty text

/// All memory is taken by the constructor.
class PrefixIndex {
 public:
  using Hash = uint64_t (*)(const HashKey& key, PrefixId parent, std::span<const Token> tokens);
  static uint64_t mix(const HashKey& key, PrefixId parent, std::span<const Token> tokens);

  explicit PrefixIndex(int blocks, Hash hash = mix);

  /// The block that holds `tokens` [kKvBlock] after the text of `parent`, or kNoBlock.
  Block find(PrefixId parent, std::span<const Token> tokens) const;
  /// REQUIRES: the block is unknown, and find(parent, tokens) == kNoBlock.
  void insert(Block block, PrefixId parent, std::span<const Token> tokens);
  void erase(Block block);
  PrefixId id(Block block) const { return entries_[block].id; }
  bool knows(Block block) const { return id(block) != kNoPrefix; }
  void clear();

 private:
  struct Entry {
    PrefixId id = kNoPrefix;
    PrefixId parent = kNoPrefix;
    uint64_t hash = 0;
    Block next = kNoBlock;  // of the same bucket
  };
  std::span<const Token> tokens_of(Block block) const;
  size_t bucket(uint64_t hash) const { return hash & (buckets_.size() - 1); }

  Hash hash_;
  HashKey key_ = random_hash_key();
  PrefixId last_id_ = kNoPrefix;
  std::vector<Entry> entries_;  // [blocks]
  std::vector<Token> tokens_;   // [blocks, kKvBlock]
  std::vector<Block> buckets_;  // [a power of two ≥ blocks], first block of each
};

}  // namespace handmill::kv
