#include "kv/prefix_index.h"

#include <gtest/gtest.h>
#include <numeric>
#include <vector>

#include "backend/backend.h"

namespace handmill::kv {
namespace {

std::vector<Token> block_of(Token first) {
  std::vector<Token> tokens(backend::kKvBlock);
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

TEST(PrefixIndex, FindsByParentAndEveryToken) {
  PrefixIndex index(4);
  index.insert(2, kNoPrefix, block_of(7));
  index.insert(0, index.id(2), block_of(7));
  EXPECT_EQ(index.find(kNoPrefix, block_of(7)), 2);
  EXPECT_EQ(index.find(index.id(2), block_of(7)), 0);
  EXPECT_EQ(index.find(index.id(0), block_of(7)), kNoBlock);
  for (int i = 0; i < backend::kKvBlock; ++i) {
    auto other = block_of(7);
    other[i] ^= 1;
    EXPECT_EQ(index.find(kNoPrefix, other), kNoBlock) << "differs at " << i;
  }
}

TEST(PrefixIndex, HashDependsOnKeyParentAndEveryToken) {
  const HashKey key = {1, 2};
  const auto tokens = block_of(7);
  const uint64_t hash = PrefixIndex::mix(key, kNoPrefix, tokens);
  EXPECT_EQ(hash, PrefixIndex::mix(key, kNoPrefix, tokens));
  EXPECT_NE(hash, PrefixIndex::mix(key, 1, tokens));
  EXPECT_NE(hash, PrefixIndex::mix({1, 3}, kNoPrefix, tokens));
  EXPECT_NE(hash, PrefixIndex::mix({0, 2}, kNoPrefix, tokens));
  for (int i = 0; i < backend::kKvBlock; ++i) {
    auto other = tokens;
    other[i] ^= 1;
    EXPECT_NE(hash, PrefixIndex::mix(key, kNoPrefix, other)) << i;
  }
  auto swapped = tokens;
  std::swap(swapped[3], swapped[4]);
  EXPECT_NE(hash, PrefixIndex::mix(key, kNoPrefix, swapped));
}

TEST(PrefixIndex, EachHasAKeyOfItsOwn) {
  static HashKey last;
  const auto keep = [](const HashKey& key, PrefixId, std::span<const Token>) -> uint64_t {
    last = key;
    return 0;
  };
  PrefixIndex one(1, keep), other(1, keep);
  one.find(kNoPrefix, block_of(1));
  const HashKey first = last;
  other.find(kNoPrefix, block_of(1));
  EXPECT_TRUE(first.low != last.low && first.high != last.high);
}

// The authors' own example: the key 00 01 … 0f and the message 00 01 … 0e.
TEST(SipHash, IsThePublishedOne) {
  SipHash hash({0x0706050403020100u, 0x0f0e0d0c0b0a0908u});
  hash.add(0x0706050403020100u);
  EXPECT_EQ(hash.finish(0x0f0e0d0c0b0a0908u), 0xa129ca6149be45e5u);
}

TEST(PrefixIndex, EqualHashesAreNotEqualTexts) {
  PrefixIndex index(
      5, [](const HashKey&, PrefixId, std::span<const Token>) -> uint64_t { return 42; });
  for (Block block = 0; block < 4; ++block) index.insert(block, kNoPrefix, block_of(100 * block));
  index.insert(4, index.id(0), block_of(0));
  for (Block block = 0; block < 4; ++block)
    EXPECT_EQ(index.find(kNoPrefix, block_of(100 * block)), block);
  EXPECT_EQ(index.find(index.id(0), block_of(0)), 4);
  EXPECT_EQ(index.find(index.id(1), block_of(0)), kNoBlock);
  index.erase(1);  // from the middle of the chain
  EXPECT_EQ(index.find(kNoPrefix, block_of(100)), kNoBlock);
  for (Block block : {0, 2, 3}) EXPECT_EQ(index.find(kNoPrefix, block_of(100 * block)), block);
}

TEST(PrefixIndex, ErasedAndClearedAreGone) {
  PrefixIndex index(2);
  index.insert(0, kNoPrefix, block_of(1));
  index.insert(1, index.id(0), block_of(2));
  index.erase(1);
  EXPECT_FALSE(index.knows(1));
  EXPECT_EQ(index.find(index.id(0), block_of(2)), kNoBlock);
  EXPECT_EQ(index.find(kNoPrefix, block_of(1)), 0);
  index.clear();
  EXPECT_FALSE(index.knows(0));
  EXPECT_EQ(index.find(kNoPrefix, block_of(1)), kNoBlock);
  index.insert(0, kNoPrefix, block_of(1));
  EXPECT_EQ(index.find(kNoPrefix, block_of(1)), 0);
}

TEST(PrefixIndex, ABlockThatIsKnownAgainStandsForANewText) {
  PrefixIndex index(2);
  index.insert(0, kNoPrefix, block_of(1));
  const PrefixId old = index.id(0);
  index.insert(1, old, block_of(2));
  index.erase(0);
  index.insert(0, kNoPrefix, block_of(9));
  EXPECT_EQ(index.find(index.id(0), block_of(2)), kNoBlock);
  EXPECT_NE(index.id(0), old);
}

}  // namespace
}  // namespace handmill::kv
