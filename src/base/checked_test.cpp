// Sums, products and multiples at the ends of their type.
#include "base/checked.h"

#include <cstdint>
#include <gtest/gtest.h>

namespace handmill::base {
namespace {

TEST(Checked, GivesWhatFitsAndNothingElse) {
  EXPECT_EQ(checked_add<uint64_t>(UINT64_MAX - 1, 1), UINT64_MAX);
  EXPECT_EQ(checked_add<uint64_t>(UINT64_MAX, 1), std::nullopt);
  EXPECT_EQ(checked_mul<uint64_t>(UINT64_MAX / 3, 3), UINT64_MAX);
  EXPECT_EQ(checked_mul<uint64_t>(uint64_t{1} << 32, uint64_t{1} << 32), std::nullopt);
  EXPECT_EQ(checked_mul<uint64_t>(0, UINT64_MAX), 0u);
  EXPECT_EQ(checked_add<uint8_t>(200, 55), 255);
  EXPECT_EQ(checked_add<uint8_t>(200, 56), std::nullopt);
}

TEST(Checked, AlignsUpwards) {
  EXPECT_EQ(checked_align<uint64_t>(0, 32), 0u);
  EXPECT_EQ(checked_align<uint64_t>(1, 32), 32u);
  EXPECT_EQ(checked_align<uint64_t>(32, 32), 32u);
  EXPECT_EQ(checked_align<uint64_t>(33, 1), 33u);
  EXPECT_EQ(checked_align<uint64_t>(UINT64_MAX - 31, 32), UINT64_MAX - 31);
  EXPECT_EQ(checked_align<uint64_t>(UINT64_MAX - 30, 32), std::nullopt);
}

}  // namespace
}  // namespace handmill::base
