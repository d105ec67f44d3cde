// A chained hash table whose nodes are the blocks themselves.
#include "kv/prefix_index.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "backend/backend.h"

namespace handmill::kv {

using backend::kKvBlock;

uint64_t PrefixIndex::mix(const HashKey& key, PrefixId parent, std::span<const Token> tokens) {
  SipHash hash(key);
  hash.add(parent);
  const auto bits = [&](size_t i) { return uint64_t{static_cast<uint32_t>(tokens[i])}; };
  for (size_t i = 0; i + 1 < tokens.size(); i += 2) hash.add(bits(i) | bits(i + 1) << 32);
  const uint64_t bytes = sizeof parent + tokens.size() * sizeof(Token);
  return hash.finish(bytes << 56 | (tokens.size() % 2 > 0 ? bits(tokens.size() - 1) : 0));
}

PrefixIndex::PrefixIndex(int blocks, Hash hash)
    : hash_(hash),
      entries_(static_cast<size_t>(blocks)),
      tokens_(static_cast<size_t>(blocks) * kKvBlock),
      buckets_(std::bit_ceil(static_cast<size_t>(std::max(blocks, 1))), kNoBlock) {}

std::span<const Token> PrefixIndex::tokens_of(Block block) const {
  return {tokens_.data() + static_cast<size_t>(block) * kKvBlock, kKvBlock};
}

Block PrefixIndex::find(PrefixId parent, std::span<const Token> tokens) const {
  assert(tokens.size() == kKvBlock);
  const uint64_t hash = hash_(key_, parent, tokens);
  for (Block block = buckets_[bucket(hash)]; block != kNoBlock; block = entries_[block].next) {
    const Entry& entry = entries_[block];
    if (entry.hash == hash && entry.parent == parent &&
        std::ranges::equal(tokens_of(block), tokens))
      return block;
  }
  return kNoBlock;
}

void PrefixIndex::insert(Block block, PrefixId parent, std::span<const Token> tokens) {
  assert(!knows(block) && tokens.size() == kKvBlock);
  const uint64_t hash = hash_(key_, parent, tokens);
  Block& first = buckets_[bucket(hash)];
  entries_[block] = {++last_id_, parent, hash, first};
  std::ranges::copy(tokens, tokens_.begin() + static_cast<ptrdiff_t>(block) * kKvBlock);
  first = block;
}

void PrefixIndex::erase(Block block) {
  assert(knows(block));
  Block* link = &buckets_[bucket(entries_[block].hash)];
  while (*link != block) link = &entries_[*link].next;
  *link = entries_[block].next;
  entries_[block] = {};
}

void PrefixIndex::clear() {
  std::ranges::fill(entries_, Entry{});
  std::ranges::fill(buckets_, kNoBlock);
}

}  // namespace handmill::kv
