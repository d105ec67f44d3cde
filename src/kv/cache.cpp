// Tables are let go from their end, so a block is reused before the one that it follows: what stays
// findable is whole prefixes, as far as possible.
#include "kv/cache.h"

#include <cassert>

#include "backend/backend.h"

namespace handmill::kv {
namespace {

using backend::kKvBlock;

std::span<const Token> tokens_at(std::span<const Token> tokens, size_t block) {
  return tokens.subspan(block * kKvBlock, kKvBlock);
}

}  // namespace

int blocks_for(int positions) { return (positions + kKvBlock - 1) / kKvBlock; }

Cache::Cache(int blocks, PrefixIndex::Hash hash) : pool_(blocks), index_(blocks, hash) {}

int Cache::match(std::span<const Token> tokens, BlockTable& table) {
  assert(table.empty());
  PrefixId prefix = kNoPrefix;
  for (size_t i = 0; i < tokens.size() / kKvBlock; ++i) {
    const Block block = index_.find(prefix, tokens_at(tokens, i));
    if (block == kNoBlock) break;
    prefix = index_.id(block);
    pool_.share(block);
    table.push_back(block);
  }
  return static_cast<int>(table.size()) * kKvBlock;
}

bool Cache::grow(BlockTable& table, int positions) {
  const int wanted = blocks_for(positions) - static_cast<int>(table.size());
  if (wanted > pool_.free()) return false;
  for (int i = 0; i < wanted; ++i) {
    const Block block = pool_.take();
    if (index_.knows(block)) index_.erase(block);
    table.push_back(block);
  }
  return true;
}

void Cache::publish(BlockTable& table, std::span<const Token> tokens) {
  const size_t full = tokens.size() / kKvBlock;
  assert(full <= table.size());
  size_t first = full;
  while (first > 0 && !index_.knows(table[first - 1])) --first;
  for (size_t i = first; i < full; ++i) {
    const PrefixId parent = i == 0 ? kNoPrefix : index_.id(table[i - 1]);
    const Block known = index_.find(parent, tokens_at(tokens, i));
    if (known == kNoBlock) {
      index_.insert(table[i], parent, tokens_at(tokens, i));
    } else {
      pool_.share(known);
      pool_.drop(table[i], false);
      table[i] = known;
    }
  }
}

void Cache::release(BlockTable& table) {
  for (auto block = table.rbegin(); block != table.rend(); ++block)
    pool_.drop(*block, index_.knows(*block));
  table.clear();
}

}  // namespace handmill::kv
