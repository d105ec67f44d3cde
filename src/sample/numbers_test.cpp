// The generator against its authors' published outputs, and exp and log against the C library's.
#include <cmath>
#include <gtest/gtest.h>
#include <map>

#include "sample/portable_math.h"
#include "sample/random.h"

namespace handmill::sample {
namespace {

TEST(Random, SplitMixGivesThePublishedSequence) {
  uint64_t state = 1234567;
  for (uint64_t expected : {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                            4593380528125082431u, 16408922859458223821u})
    EXPECT_EQ(split_mix(state), expected);
}

TEST(Random, XoshiroGivesThePublishedSequence) {
  Random random(std::array<uint64_t, 4>{1, 2, 3, 4});
  for (uint64_t expected :
       {uint64_t{11520}, uint64_t{0}, uint64_t{1509978240}, uint64_t{1215971899390074240},
        uint64_t{1216172134540287360}, uint64_t{607988272756665600}})
    EXPECT_EQ(random.next(), expected);
}

TEST(Random, BelowIsUniformAndInside) {
  for (uint64_t bound : {uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{10}, uint64_t{17}}) {
    Random random(99);
    std::map<uint64_t, int> seen;
    const int draws = 20000;
    for (int i = 0; i < draws; ++i) ++seen[random.below(bound)];
    ASSERT_EQ(seen.size(), bound);
    EXPECT_LT(seen.rbegin()->first, bound);
    double chi_square = 0;
    const double expected = draws / static_cast<double>(bound);
    for (const auto& [value, count] : seen)
      chi_square += (count - expected) * (count - expected) / expected;
    // The 99.99 % quantile lies below dof + 6 sqrt(dof) + 8 for these bounds.
    const double dof = static_cast<double>(bound) - 1;
    EXPECT_LE(chi_square, dof + 6 * std::sqrt(dof) + 8) << bound;
  }
}

TEST(Random, BelowReachesHugeBounds) {
  Random random(7);
  const uint64_t bound = (uint64_t{1} << 63) + 1;
  uint64_t largest = 0;
  for (int i = 0; i < 200; ++i) largest = std::max(largest, random.below(bound));
  EXPECT_LT(largest, bound);
  EXPECT_GT(largest, bound / 8 * 7);
}

TEST(PortableMath, ExpIsAccurate) {
  double worst = 0;
  for (int i = 0; i <= 640000; ++i) {
    const double x = -i * 1e-4;
    worst = std::max(worst, std::abs(portable_exp(x) / std::exp(x) - 1));
  }
  EXPECT_LT(worst, 2e-15);
  EXPECT_EQ(portable_exp(0.0), 1.0);
  EXPECT_EQ(portable_exp(-1e300), portable_exp(kExpFloor));
  EXPECT_EQ(portable_exp(-INFINITY), portable_exp(kExpFloor));
}

TEST(PortableMath, LogIsAccurate) {
  double worst = 0;
  for (double x = 1e-300; x < 1e300; x *= 1.0123)
    worst = std::max(
        worst, std::abs(portable_log(x) - std::log(x)) / std::max(1.0, std::abs(std::log(x))));
  for (double x = 0.5; x < 2.0; x += 1e-5)
    worst = std::max(worst, std::abs(portable_log(x) - std::log(x)));
  EXPECT_LT(worst, 2e-15);
  EXPECT_EQ(portable_log(1.0), 0.0);
  EXPECT_EQ(portable_log(1024.0), 10 * kLn2);
}

}  // namespace
}  // namespace handmill::sample
