// The free list is a ring of indices: least recently used first.
#include "kv/pool.h"

#include <cassert>
#include <cstddef>

namespace handmill::kv {

Pool::Pool(int blocks)
    : holders_(static_cast<size_t>(blocks), 0), links_(static_cast<size_t>(blocks) + 1) {
  links_[end()] = {end(), end()};
  for (Block block = 0; block < blocks; ++block) insert_before(block, end());
}

Block Pool::take() {
  const Block block = next();
  assert(block != kNoBlock);
  remove(block);
  holders_[block] = 1;
  return block;
}

void Pool::share(Block block) {
  if (holders_[block]++ == 0) remove(block);
}

void Pool::drop(Block block, bool keep) {
  assert(holders_[block] > 0);
  if (--holders_[block] == 0) insert_before(block, keep ? end() : links_[end()].after);
}

void Pool::insert_before(Block block, Block at) {
  links_[block] = {links_[at].before, at};
  links_[links_[at].before].after = block;
  links_[at].before = block;
  ++free_;
}

void Pool::remove(Block block) {
  links_[links_[block].before].after = links_[block].after;
  links_[links_[block].after].before = links_[block].before;
  --free_;
}

}  // namespace handmill::kv
