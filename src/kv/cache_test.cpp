#include "kv/cache.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <numeric>
#include <random>
#include <string>

#include "backend/backend.h"

namespace handmill::kv {
namespace {

using backend::kKvBlock;

std::vector<Token> text_of(int n, Token seed = 0) {
  std::vector<Token> tokens(static_cast<size_t>(n));
  std::iota(tokens.begin(), tokens.end(), seed);
  return tokens;
}

TEST(Cache, GrowsByTheBlock) {
  Cache cache(4);
  BlockTable table;
  EXPECT_TRUE(cache.grow(table, 1));
  EXPECT_EQ(table.size(), 1u);
  EXPECT_TRUE(cache.grow(table, kKvBlock));
  EXPECT_EQ(table.size(), 1u);
  EXPECT_TRUE(cache.grow(table, kKvBlock + 1));
  EXPECT_EQ(table.size(), 2u);
  EXPECT_TRUE(cache.grow(table, 5)) << "never shrinks";
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(cache.free_blocks(), 2);
}

TEST(Cache, GrowsWhollyOrNotAtAll) {
  Cache cache(3);
  BlockTable a, b;
  EXPECT_TRUE(cache.grow(a, 2 * kKvBlock));
  EXPECT_FALSE(cache.grow(b, 2 * kKvBlock));
  EXPECT_TRUE(b.empty());
  EXPECT_EQ(cache.free_blocks(), 1);
  EXPECT_TRUE(cache.grow(b, kKvBlock));
}

TEST(Cache, SharesFullBlocksOfAnEqualPrefix) {
  Cache cache(8);
  const auto tokens = text_of(3 * kKvBlock + 5);
  BlockTable a, b;
  ASSERT_TRUE(cache.grow(a, static_cast<int>(tokens.size())));
  cache.publish(a, tokens);
  EXPECT_FALSE(cache.findable(a[3])) << "not full";
  EXPECT_EQ(cache.match(tokens, b), 3 * kKvBlock);
  ASSERT_EQ(b.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(a[i], b[i]);
    EXPECT_EQ(cache.holders(a[i]), 2);
  }
  cache.release(a);
  EXPECT_EQ(cache.free_blocks(), 5);
  cache.release(b);
  EXPECT_EQ(cache.free_blocks(), 8);
}

TEST(Cache, MatchesOnlyFullBlocksOfWhatIsAsked) {
  Cache cache(8);
  const auto tokens = text_of(2 * kKvBlock);
  BlockTable a, b, c;
  ASSERT_TRUE(cache.grow(a, 2 * kKvBlock));
  cache.publish(a, std::span(tokens).first(2 * kKvBlock - 1));
  EXPECT_EQ(cache.match(tokens, b), kKvBlock);
  cache.release(b);
  cache.publish(a, tokens);
  EXPECT_EQ(cache.match(std::span(tokens).first(2 * kKvBlock - 1), b), kKvBlock);
  auto other = tokens;
  other[kKvBlock - 1] = -5;
  EXPECT_EQ(cache.match(other, c), 0) << "the second block is equal, its prefix is not";
}

TEST(Cache, ReleasedPrefixStaysUntilItsMemoryIsNeeded) {
  Cache cache(4);
  const auto tokens = text_of(3 * kKvBlock);
  BlockTable a, b;
  ASSERT_TRUE(cache.grow(a, 3 * kKvBlock));
  cache.publish(a, tokens);
  cache.release(a);
  EXPECT_EQ(cache.free_blocks(), 4);
  ASSERT_TRUE(cache.grow(b, 2 * kKvBlock));  // the never used block, then the prefix's tail
  EXPECT_EQ(cache.match(tokens, a), 2 * kKvBlock);
  EXPECT_FALSE(cache.grow(a, 3 * kKvBlock));
  cache.release(b);
  EXPECT_TRUE(cache.grow(a, 3 * kKvBlock));
}

TEST(Cache, ForgetsTheLeastRecentlyUsedPrefixFirst) {
  Cache cache(4);
  BlockTable table;
  for (Token seed : {0, 1000, 2000, 3000}) {
    ASSERT_TRUE(cache.grow(table, kKvBlock));
    cache.publish(table, text_of(kKvBlock, seed));
    cache.release(table);
  }
  ASSERT_EQ(cache.match(text_of(kKvBlock, 0), table), kKvBlock);  // used again
  cache.release(table);
  BlockTable other;
  ASSERT_TRUE(cache.grow(other, kKvBlock));
  auto there = [&](Token seed) {
    BlockTable found;
    const bool yes = cache.match(text_of(kKvBlock, seed), found) > 0;
    cache.release(found);
    return yes;
  };
  EXPECT_FALSE(there(1000));
  EXPECT_TRUE(there(0));
  EXPECT_TRUE(there(2000));
  EXPECT_TRUE(there(3000));
}

TEST(Cache, TwoThatComputedTheSameKeepOneCopy) {
  Cache cache(6);
  const auto tokens = text_of(2 * kKvBlock);
  BlockTable a, b;
  ASSERT_TRUE(cache.grow(a, 2 * kKvBlock));
  ASSERT_TRUE(cache.grow(b, 2 * kKvBlock));
  cache.publish(a, tokens);
  cache.publish(b, tokens);
  EXPECT_EQ(a, b);
  EXPECT_EQ(cache.free_blocks(), 4);
}

TEST(Cache, ClearForgetsWhatIsHeldAndWhatIsFree) {
  Cache cache(4);
  const auto tokens = text_of(2 * kKvBlock);
  BlockTable a, b;
  ASSERT_TRUE(cache.grow(a, 2 * kKvBlock));
  cache.publish(a, tokens);
  cache.clear();
  EXPECT_EQ(cache.match(tokens, b), 0);
  cache.publish(a, tokens);  // its holder goes on, and what it has is findable anew
  EXPECT_EQ(cache.match(tokens, b), 2 * kKvBlock);
  cache.release(a);
  cache.release(b);
  cache.clear();
  EXPECT_EQ(cache.match(tokens, b), 0);
  EXPECT_EQ(cache.free_blocks(), 4);
}

// A sequence of the random test: what a table's blocks must hold, position by position.
struct Holder {
  std::vector<Token> tokens;
  BlockTable table;
};

// The store that a Cache is the bookkeeping of: the tokens that each block's positions came from,
// together with everything before them. Sharing a block whose content differs is found at once.
class RandomWalk {
 public:
  RandomWalk(uint32_t seed, PrefixIndex::Hash hash) : random_(seed), cache_(kBlocks, hash) {}

  void step() {
    switch (pick(8)) {
      case 0:
      case 1: admit(); break;
      case 2:
      case 3:
      case 4: extend(); break;
      case 5:
      case 6: leave(); break;
      default:
        if (pick(20) == 0) cache_.clear();
    }
    check();
  }
  void finish() {
    while (!holders_.empty()) leave();
    EXPECT_EQ(cache_.free_blocks(), kBlocks) << "a leak";
  }
  int shared() const { return shared_; }

 private:
  static constexpr int kBlocks = 24;

  int pick(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }

  /// Few different texts, so that prefixes often meet: each block is one of three.
  std::vector<Token> more(int n) {
    std::vector<Token> tokens;
    for (int i = 0; i < n; ++i) tokens.insert(tokens.end(), kKvBlock, pick(3));
    return tokens;
  }

  void admit() {
    Holder holder{more(1 + pick(5)), {}};
    const int found = cache_.match(holder.tokens, holder.table);
    shared_ += found / kKvBlock;
    verify(holder, found / kKvBlock);
    holder.tokens.resize(static_cast<size_t>(found));
    holders_.push_back(std::move(holder));
  }

  void extend() {
    if (holders_.empty()) return;
    Holder& holder = holders_[pick(static_cast<int>(holders_.size()))];
    auto tokens = holder.tokens;
    for (Token token : more(1 + pick(2))) tokens.push_back(token);
    const auto before = holder.table;
    const int free = cache_.free_blocks();
    if (!cache_.grow(holder.table, static_cast<int>(tokens.size()))) {
      EXPECT_EQ(holder.table, before);
      EXPECT_EQ(cache_.free_blocks(), free);
      return;
    }
    for (size_t i = before.size(); i < holder.table.size(); ++i)
      store_[holder.table[i]] = prefix(tokens, i);
    holder.tokens = std::move(tokens);
    if (pick(4) > 0) cache_.publish(holder.table, holder.tokens);
    verify(holder, static_cast<int>(holder.table.size()));
  }

  void leave() {
    if (holders_.empty()) return;
    const int i = pick(static_cast<int>(holders_.size()));
    cache_.release(holders_[i].table);
    EXPECT_TRUE(holders_[i].table.empty());
    holders_.erase(holders_.begin() + i);
  }

  static std::vector<Token> prefix(const std::vector<Token>& tokens, size_t block) {
    return {tokens.begin(), tokens.begin() + static_cast<ptrdiff_t>((block + 1) * kKvBlock)};
  }

  void verify(const Holder& holder, int blocks) {
    for (int i = 0; i < blocks; ++i)
      ASSERT_EQ(store_[holder.table[i]], prefix(holder.tokens, i)) << "block " << i;
  }

  void check() {
    std::map<Block, int> held;
    for (const Holder& holder : holders_) {
      for (Block block : holder.table) ++held[block];
    }
    for (Block block = 0; block < kBlocks; ++block)
      ASSERT_EQ(cache_.holders(block), held.contains(block) ? held[block] : 0);
    ASSERT_EQ(cache_.free_blocks(), kBlocks - static_cast<int>(held.size()));
    for (const Holder& holder : holders_) verify(holder, static_cast<int>(holder.table.size()));
  }

  std::mt19937 random_;
  Cache cache_;
  std::vector<Holder> holders_;
  std::map<Block, std::vector<Token>> store_;
  int shared_ = 0;
};

TEST(Cache, RandomWalkKeepsEveryInvariant) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    RandomWalk walk(seed, PrefixIndex::mix);
    for (int i = 0; i < 500 && !testing::Test::HasFatalFailure(); ++i) walk.step();
    walk.finish();
    EXPECT_GT(walk.shared(), 50) << "the walk must meet shared prefixes to mean anything";
    if (HasFailure()) FAIL() << "seed " << seed;
  }
}

TEST(Cache, RandomWalkKeepsEveryInvariantWhenHashesCollide) {
  for (uint32_t seed = 100; seed < 110; ++seed) {
    RandomWalk walk(seed, [](const HashKey&, PrefixId, std::span<const Token> tokens) {
      return static_cast<uint64_t>(tokens.front() & 1);
    });
    for (int i = 0; i < 500 && !testing::Test::HasFatalFailure(); ++i) walk.step();
    walk.finish();
    if (HasFailure()) FAIL() << "seed " << seed;
  }
}

}  // namespace
}  // namespace handmill::kv
