#include "backend/cpu/memory.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <vector>

namespace handmill::backend {
namespace {

TEST(ArenaTest, PartsAreZeroedAlignedAndDoNotOverlap) {
  Arena arena;
  std::vector<std::pair<std::shared_ptr<uint8_t>, size_t>> parts;
  for (const size_t bytes : {size_t{1}, size_t{64}, size_t{65}, size_t{3} << 20, size_t{7}}) {
    auto part = arena.take(bytes);
    ASSERT_TRUE(part);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(part.value().get()) % 64, 0u);
    EXPECT_EQ(std::count(part.value().get(), part.value().get() + bytes, 0),
              static_cast<std::ptrdiff_t>(bytes));
    std::fill_n(part.value().get(), bytes, static_cast<uint8_t>(parts.size() + 1));
    parts.emplace_back(part.value(), bytes);
  }
  for (size_t i = 0; i < parts.size(); ++i)
    EXPECT_EQ(std::count(parts[i].first.get(), parts[i].first.get() + parts[i].second, i + 1),
              static_cast<std::ptrdiff_t>(parts[i].second));
}

TEST(ArenaTest, ALargePartHasARegionOfItsOwnAndPartsOutliveTheArena) {
  constexpr size_t kLarge = size_t{300} << 20;
  std::shared_ptr<uint8_t> small, large;
  {
    Arena arena;
    small = arena.take(100).value();
    large = arena.take(kLarge).value();
  }
  small.get()[99] = 1;
  large.get()[kLarge - 1] = 2;
  EXPECT_EQ(small.get()[99] + large.get()[kLarge - 1], 3);
}

TEST(ArenaTest, AnImpossibleSizeIsAnErrorThatNamesIt) {
  Arena arena;
  const auto part = arena.take(size_t{1} << 60);
  ASSERT_FALSE(part);
  EXPECT_NE(part.error().message.find("1152921504606846976 bytes"), std::string::npos);
}

}  // namespace
}  // namespace handmill::backend
