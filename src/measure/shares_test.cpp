#include "measure/shares.h"

#include <gtest/gtest.h>

#include "measure/test_subject.h"

namespace handmill::measure {
namespace {

double sum(const Shares& s) { return s.roof + s.kernels + s.attention + s.layers + s.other; }

// One step behind 99 positions: 0.1 s of products, 0.1 s of cache, 0.01 s of layers; at the roof
// 0.05 s and 0.00005 s.
constexpr Piece kStep{Phase::kDecode, 1, 99};

TEST(SharesTest, EveryPartIsTheTimeBeyondTheRoof) {
  const auto got = shares_of(test_subject(), kStep, 0.25);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->limit, Limit::kMemory);
  EXPECT_NEAR(got->roof, 0.05005 / 0.25, 1e-9);
  EXPECT_NEAR(got->kernels, 0.05 / 0.25, 1e-9);
  EXPECT_NEAR(got->attention, 0.09995 / 0.25, 1e-9);
  EXPECT_NEAR(got->layers, 0.01 / 0.25, 1e-9);
  EXPECT_NEAR(got->other, 0.04 / 0.25, 1e-9);
  EXPECT_NEAR(sum(*got), 1, 1e-9);
}

TEST(SharesTest, AFasterRunLeavesNothingUnexplained) {
  const auto got = shares_of(test_subject(), kStep, 0.13);
  EXPECT_NEAR(got->roof, 0.05005 / 0.13, 1e-9);  // measured, so it stands
  EXPECT_NEAR(got->attention / got->kernels, 0.09995 / 0.05, 1e-9);
  EXPECT_EQ(got->other, 0);
  EXPECT_NEAR(sum(*got), 1, 1e-9);
}

TEST(SharesTest, AboveTheRoofNothingIsLost) {
  const auto got = shares_of(test_subject(), kStep, 0.04);
  EXPECT_GT(got->roof, 1);
  EXPECT_EQ(got->kernels + got->attention + got->layers + got->other, 0);
}

TEST(SharesTest, ManyStepsAreAsManyTimesOne) {
  Piece steps = kStep;
  steps.tokens = 20;
  EXPECT_NEAR(shares_of(test_subject(), steps, 20 * 0.25)->kernels, 0.05 / 0.25, 1e-9);
}

TEST(SharesTest, PrefillMeetsTheRoofOfItsArithmetic) {
  Subject subject = test_subject();
  subject.machine.ops_s = {1e9, Source::kMeasured};
  subject.machine.products[0].ops_s = {0.5e9, Source::kMeasured};
  // 500 tokens: 10⁹ operations of products, so 1 s at the roof and 2 s as measured.
  const auto got = shares_of(subject, {Phase::kPrefill, 500, 0}, 4);
  EXPECT_EQ(got->limit, Limit::kArithmetic);
  EXPECT_NEAR(got->roof, 0.25, 0.01);
  EXPECT_NEAR(got->kernels, 0.25, 0.01);
  EXPECT_NEAR(got->layers, 0.01 / 4, 1e-9);
  EXPECT_NEAR(sum(*got), 1, 1e-9);
}

}  // namespace
}  // namespace handmill::measure
