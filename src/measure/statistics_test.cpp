// Known values, formulas by brute force, and what must hold of any numbers.
#include "measure/statistics.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <vector>

#include "sample/random.h"

namespace handmill::measure {
namespace {

using Values = std::vector<double>;

Values drawn(size_t count, uint64_t seed) {
  sample::Random random(seed);
  Values values(count);
  for (double& value : values) value = 1 + static_cast<double>(random.below(1 << 20));
  return values;
}

Values one_to(int last) {
  Values values(static_cast<size_t>(last));
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

TEST(Statistics, MiddleAndPercentiles) {
  EXPECT_EQ(median_of(Values{3, 1, 10}), 3);
  EXPECT_EQ(median_of(Values{4, 2}), 3);
  EXPECT_EQ(mad_of(Values{1, 1, 2, 2, 4, 6, 9}), 1);  // distances 1 1 0 0 2 4 7
  EXPECT_EQ(mad_of(Values{5}), 0);
  EXPECT_EQ(percentile_of(Values{10}, 99), 10);
  const Values eleven = one_to(11);
  EXPECT_EQ(percentile_of(eleven, 0), 1);
  EXPECT_EQ(percentile_of(eleven, 50), 6);
  EXPECT_NEAR(percentile_of(eleven, 99), 10.9, 1e-12);
  EXPECT_EQ(percentile_of(eleven, 100), 11);
}

TEST(Statistics, TheMediansIntervalHasThePublishedRanks) {
  // Ranks of 95 % intervals of the median by sample size, as tables of order statistics give them.
  EXPECT_FALSE(median_interval(one_to(5)).has_value());
  const std::vector<std::pair<int, int>> ranks = {
      {6, 1},  {8, 1},  {9, 2},   {11, 2},  {12, 3},  {15, 4},   {17, 5},
      {20, 6}, {25, 8}, {30, 10}, {50, 18}, {70, 27}, {100, 40}, {2000, 956}};
  for (const auto& [n, k] : ranks) {
    const auto interval = median_interval(one_to(n));
    ASSERT_TRUE(interval.has_value());
    EXPECT_EQ(interval->low, k) << n;
    EXPECT_EQ(interval->high, n + 1 - k) << n;
  }
}

TEST(Statistics, TheMediansIntervalHoldsTheMedianAsOftenAsItSays) {
  for (const size_t n : {6u, 9u, 20u}) {
    int held = 0;
    for (uint64_t seed = 0; seed < 2000; ++seed) {
      const auto interval = median_interval(drawn(n, seed * 31 + n));
      const double truth = 1 + (1 << 20) / 2;
      held += interval->low <= truth && truth <= interval->high ? 1 : 0;
    }
    EXPECT_GE(held, 1870) << n;  // 1900 expected at the least, deviation below 10
    EXPECT_LE(held, 1990) << n;
  }
}

TEST(Statistics, AStraightLineHasItsSlopeWhateverAnOutlierSays) {
  EXPECT_DOUBLE_EQ(slope_of(Values{10, 12, 14, 16, 18}), 2);
  EXPECT_DOUBLE_EQ(slope_of(Values{10, 12, 14, 16, 18, 1000, 22}), 2);
  EXPECT_EQ(slope_of(Values{7}), 0);
  EXPECT_EQ(slope_of({}), 0);
}

/// Every order of the values 1 to n, counted by hand.
double trend_by_force(Values values) {
  const auto score = [](const Values& v) {
    int sum = 0;
    for (size_t i = 0; i < v.size(); ++i)
      for (size_t j = i + 1; j < v.size(); ++j) sum += v[j] > v[i] ? 1 : -1;
    return std::abs(sum);
  };
  const int seen = score(values);
  std::ranges::sort(values);
  double far = 0, all = 0;
  do {
    ++all;
    far += score(values) >= seen ? 1 : 0;
  } while (std::ranges::next_permutation(values).found);
  return far / all;
}

TEST(Statistics, ATrendIsAsUnlikelyAsCountingSays) {
  EXPECT_DOUBLE_EQ(trend_p(Values{1, 2, 3, 4}), 2.0 / 24);
  EXPECT_DOUBLE_EQ(trend_p(Values{4, 3, 2, 1}), 2.0 / 24);
  EXPECT_EQ(trend_p(Values{1}), 1);
  EXPECT_DOUBLE_EQ(trend_p(Values{2, 2, 2, 2}), 1);
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const Values values = drawn(7, seed);
    EXPECT_NEAR(trend_p(values), trend_by_force(values), 1e-12);
  }
  // The normal distribution goes on where counting ends.
  Values long_one = drawn(101, 3);
  for (size_t i = 0; i < long_one.size(); ++i) long_one[i] += 4000.0 * static_cast<double>(i);
  const double counted = trend_p(std::span(long_one).first(100));
  EXPECT_GT(counted, 0);
  EXPECT_NEAR(std::log(trend_p(long_one)), std::log(counted), 1.5);
}

TEST(Statistics, PairsThatAllDifferOneWayAreOneOfAllSigns) {
  EXPECT_DOUBLE_EQ(paired_p(Values{1, 2, 3, 4, 5}), 2.0 / 32);
  EXPECT_DOUBLE_EQ(paired_p(Values{-1, -2, -3}), 2.0 / 8);
  // Of the eight sums ±1 ±2 ±3 only ±6 are beyond 4, and ±4 are at it.
  EXPECT_DOUBLE_EQ(paired_p(Values{-1, 2, 3}), 4.0 / 8);
  EXPECT_EQ(paired_p({}), 1);
  EXPECT_EQ(paired_p(Values{0, 0, 0}), 1);
}

TEST(Statistics, ManyPairsAreDrawnToTheSameAnswer) {
  const Values sixteen = {3, -1, 4, 1, -5, 9, -2, 6, 5, 3, -5, 8, 9, -7, 9, 3};
  Values more = sixteen;
  more.push_back(0);  // changes no sum
  EXPECT_NEAR(paired_p(more), paired_p(sixteen), 0.01);
  EXPECT_EQ(paired_p(more), paired_p(more));
}

double groups_by_force(const Values& a, const Values& b) {
  Values all = a;
  all.insert(all.end(), b.begin(), b.end());
  const auto rank_sum = [&](uint64_t chosen) {
    double sum = 0;
    for (size_t i = 0; i < all.size(); ++i)
      if ((chosen >> i & 1) != 0)
        for (const double other : all) sum += other < all[i] ? 1 : other == all[i] ? 0.5 : 0;
    return sum;
  };
  const auto n = static_cast<double>(a.size());
  const double mean = n * static_cast<double>(all.size()) / 2;
  const double seen = std::abs(rank_sum((uint64_t{1} << a.size()) - 1) - mean);
  double far = 0, ways = 0;
  for (uint64_t chosen = 0; chosen < uint64_t{1} << all.size(); ++chosen) {
    if (std::popcount(chosen) != static_cast<int>(a.size())) continue;
    ++ways;
    far += std::abs(rank_sum(chosen) - mean) >= seen - 1e-9 ? 1 : 0;
  }
  return far / ways;
}

TEST(Statistics, GroupsAreAsFarApartAsCountingSays) {
  EXPECT_DOUBLE_EQ(groups_p(one_to(5), Values{6, 7, 8, 9, 10}), 2.0 / 252);
  EXPECT_EQ(groups_p({}, one_to(3)), 1);
  EXPECT_EQ(groups_p(Values{1, 1}, Values{1, 1, 1}), 1);
  for (uint64_t seed = 0; seed < 8; ++seed) {
    Values a = drawn(3 + seed % 3, seed), b = drawn(5, seed + 100);
    if (seed % 2 == 0) b[0] = b[1] = a[0];  // equal values
    EXPECT_NEAR(groups_p(a, b), groups_by_force(a, b), 1e-12) << seed;
    EXPECT_NEAR(groups_p(a, b), groups_p(b, a), 1e-12) << seed;
  }
  // Beyond a hundred values it draws: the same within what 20,000 draws can say.
  Values a = drawn(50, 1), b = drawn(50, 2);
  for (double& value : b) value += 200000;
  const double counted = groups_p(a, b);
  b.push_back(median_of(b));
  EXPECT_NEAR(groups_p(a, b), counted, 0.02);
}

TEST(Statistics, ByChanceOneInTwentyIsBelowFivePercent) {
  int below = 0;
  for (uint64_t seed = 0; seed < 1000; ++seed)
    below += groups_p(drawn(8, seed), drawn(8, seed + 5000)) < 0.05 ? 1 : 0;
  EXPECT_LE(below, 75);
  EXPECT_GE(below, 20);
}

TEST(Statistics, AQuotientOfMediansLiesInItsInterval) {
  const Values a = {99, 100, 101, 100, 102, 98}, b = {109, 110, 111, 110, 112, 108};
  const Interval interval = ratio_interval(a, b);
  EXPECT_LT(interval.low, 1.1);
  EXPECT_GT(interval.high, 1.1);
  EXPECT_GT(interval.low, 1.06);
  EXPECT_LT(interval.high, 1.14);
  const Interval same = ratio_interval(a, b);
  EXPECT_EQ(same.low, interval.low);
  EXPECT_EQ(same.high, interval.high);
  EXPECT_EQ(ratio_interval(Values{2}, Values{3}).low, 1.5);
}

}  // namespace
}  // namespace handmill::measure
