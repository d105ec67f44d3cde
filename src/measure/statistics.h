// Statistics of repeated measurements. Times on a shared machine follow no known distribution, and
// a few of them lie far out, so everything here rests on order, ranks and permutations. What is
// drawn is drawn from a fixed seed: the same numbers always say the same.
#pragma once

#include <optional>
#include <span>

namespace handmill::measure {

struct Interval {
  double low = 0;
  double high = 0;
};

// Of at least one value, in any order.
/// The middle one, or the mean of the two in the middle.
double median_of(std::span<const double> values);
/// The median distance from the median, not scaled.
double mad_of(std::span<const double> values);
/// `percent` in [0, 100]; between two values on the line between them.
double percentile_of(std::span<const double> values, double percent);

/// The narrowest pair of values, as far from one end as from the other, between which the true
/// median lies in at least 95 of 100 cases: 1 − 2·P(Binomial(n, ½) < k) ≥ 0.95 for the k-th lowest
/// and k-th highest. Nothing for less than six values, which cannot say that.
std::optional<Interval> median_interval(std::span<const double> values);

/// What the values gain from one to the next: the median of the slopes between all pairs
/// (Theil 1950, Sen 1968). 0 for less than two.
double slope_of(std::span<const double> values);
/// How likely an order as sorted as this is by chance, rising or falling (Mann 1945, Kendall):
/// exact up to 100 values, beyond with the normal distribution. Of equal values it says too much
/// rather than too little. 1 for less than two.
double trend_p(std::span<const double> values);

/// How likely differences as one-sided as these are where the sign of each is chance: the
/// permutation test of pairs on their sum (Fisher 1935). Exact up to 16 pairs, from 20,000 draws
/// beyond. 1 for none.
double paired_p(std::span<const double> differences);
/// How likely two groups as far apart as these are where which value is in which is chance: the
/// permutation test of the sum of ranks, equal values sharing theirs (Wilcoxon 1945). Exact up to
/// 100 values, from 20,000 draws beyond. 1 where one is empty.
double groups_p(std::span<const double> a, std::span<const double> b);

/// 95 % of the quotients median(b) / median(a) of 4,000 redraws of both with replacement
/// (Efron 1979). REQUIRES: at least one value in each, all above 0.
Interval ratio_interval(std::span<const double> a, std::span<const double> b);

}  // namespace handmill::measure
