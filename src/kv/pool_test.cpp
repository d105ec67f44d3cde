#include "kv/pool.h"

#include <gtest/gtest.h>

namespace handmill::kv {
namespace {

TEST(Pool, GivesEveryBlockOnceThenNone) {
  Pool pool(3);
  EXPECT_EQ(pool.free(), 3);
  EXPECT_EQ(pool.take(), 0);
  EXPECT_EQ(pool.take(), 1);
  EXPECT_EQ(pool.take(), 2);
  EXPECT_EQ(pool.free(), 0);
  EXPECT_EQ(pool.next(), kNoBlock);
}

TEST(Pool, ReusesUnwantedBlocksFirstAndKeptOnesInOrderOfRelease) {
  Pool pool(4);
  for (int i = 0; i < 4; ++i) pool.take();
  pool.drop(2, true);
  pool.drop(0, true);
  pool.drop(3, false);
  pool.drop(1, true);
  EXPECT_EQ(pool.take(), 3);
  EXPECT_EQ(pool.take(), 2);
  EXPECT_EQ(pool.take(), 0);
  EXPECT_EQ(pool.take(), 1);
}

TEST(Pool, CountsHolders) {
  Pool pool(2);
  const Block block = pool.take();
  pool.share(block);
  EXPECT_EQ(pool.holders(block), 2);
  pool.drop(block, true);
  EXPECT_EQ(pool.free(), 1) << "one holder is left";
  pool.drop(block, true);
  EXPECT_EQ(pool.free(), 2);
  pool.share(block);  // a free block gets a holder again, from the middle of the list
  EXPECT_EQ(pool.free(), 1);
  EXPECT_NE(pool.take(), block);
  EXPECT_EQ(pool.next(), kNoBlock);
}

TEST(Pool, MayBeEmpty) {
  Pool pool(0);
  EXPECT_EQ(pool.free(), 0);
  EXPECT_EQ(pool.next(), kNoBlock);
}

}  // namespace
}  // namespace handmill::kv
