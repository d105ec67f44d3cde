#include "measure/statistics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "sample/random.h"

namespace handmill::measure {
namespace {

constexpr uint64_t kSeed = 20260101;
constexpr size_t kExactPairs = 16;
constexpr size_t kExactRanks = 100;
constexpr int kDraws = 20000;
constexpr int kRedraws = 4000;
constexpr double kSlack = 1e-9;  // equal sums in another order differ by roundings

std::vector<double> sorted(std::span<const double> values) {
  assert(!values.empty());
  std::vector<double> out(values.begin(), values.end());
  std::ranges::sort(out);
  return out;
}

double median_of_sorted(std::span<const double> values) {
  const size_t n = values.size();
  return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

/// A draw counts itself, so that no p is 0 (Phipson, Smyth 2010).
double share_of_draws(int hits) { return (hits + 1.0) / (kDraws + 1.0); }

/// Twice the ranks of all values together, so that shared ones are whole numbers.
std::vector<int64_t> twice_ranks(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return values[i]; });
  std::vector<int64_t> ranks(values.size());
  for (size_t from = 0; from < order.size();) {
    size_t to = from;
    while (to < order.size() && values[order[to]] == values[order[from]]) ++to;
    // Ranks from + 1 to `to` share their mean.
    for (size_t i = from; i < to; ++i) ranks[order[i]] = static_cast<int64_t>(from + 1 + to);
    from = to;
  }
  return ranks;
}

/// The part of all ways to choose `count` of the ranks whose sum is at least `distance` from
/// `mean`, by counting the ways to every sum.
double exact_share(const std::vector<int64_t>& ranks, size_t count, int64_t mean,
                   int64_t distance) {
  const int64_t most = std::accumulate(ranks.begin(), ranks.end(), int64_t{0});
  const auto sums = static_cast<size_t>(most) + 1;
  std::vector<double> ways((count + 1) * sums);
  ways[0] = 1;
  for (const int64_t rank : ranks) {
    const auto step = static_cast<size_t>(rank);
    for (size_t chosen = count; chosen > 0; --chosen)
      for (size_t sum = sums - 1; sum + 1 > step; --sum)
        ways[chosen * sums + sum] += ways[(chosen - 1) * sums + sum - step];
  }
  double all = 0, far = 0;
  for (size_t sum = 0; sum < sums; ++sum) {
    const double here = ways[count * sums + sum];
    all += here;
    if (std::abs(static_cast<int64_t>(sum) - mean) >= distance) far += here;
  }
  return far / all;
}

double drawn_share(std::vector<int64_t> ranks, size_t count, int64_t mean, int64_t distance) {
  sample::Random random(kSeed);
  int hits = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    int64_t sum = 0;
    for (size_t i = 0; i < count; ++i) {
      std::swap(ranks[i], ranks[i + random.below(ranks.size() - i)]);
      sum += ranks[i];
    }
    hits += std::abs(sum - mean) >= distance ? 1 : 0;
  }
  return share_of_draws(hits);
}

/// P(|S| ≥ score) where S is Kendall's: rising less falling pairs of n values in a random order.
double exact_trend(size_t n, int64_t score) {
  std::vector<double> share = {1};  // of orders of so many values, by their falling pairs
  for (size_t size = 2; size <= n; ++size) {
    std::vector<double> next(share.size() + size - 1);
    for (size_t falling = 0; falling < share.size(); ++falling)
      for (size_t more = 0; more < size; ++more)
        next[falling + more] += share[falling] / static_cast<double>(size);
    share = std::move(next);
  }
  const auto pairs = static_cast<int64_t>(n * (n - 1) / 2);
  double p = 0;
  for (size_t falling = 0; falling < share.size(); ++falling)
    if (std::abs(pairs - 2 * static_cast<int64_t>(falling)) >= score) p += share[falling];
  return std::min(p, 1.0);
}

double redrawn_median(std::span<const double> values, sample::Random& random,
                      std::vector<double>& scratch) {
  scratch.resize(values.size());
  for (double& value : scratch) value = values[random.below(values.size())];
  std::ranges::sort(scratch);
  return median_of_sorted(scratch);
}

}  // namespace

double median_of(std::span<const double> values) { return median_of_sorted(sorted(values)); }

double mad_of(std::span<const double> values) {
  const double median = median_of(values);
  std::vector<double> distances;
  for (const double value : values) distances.push_back(std::abs(value - median));
  return median_of(distances);
}

double percentile_of(std::span<const double> values, double percent) {
  assert(percent >= 0 && percent <= 100);
  const std::vector<double> order = sorted(values);
  const double at = percent / 100 * static_cast<double>(order.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, order.size() - 1);
  return std::lerp(order[below], order[above], at - static_cast<double>(below));
}

std::optional<Interval> median_interval(std::span<const double> values) {
  const size_t n = values.size();
  if (n < 6) return std::nullopt;
  const std::vector<double> order = sorted(values);
  // log, because 2^−n leaves the numbers of the machine for n above 1074.
  double log_term = -static_cast<double>(n) * std::log(2.0);  // P(Binomial = k)
  double below = 0;                                           // P(Binomial < k)
  size_t k = 0;
  while (k < (n + 1) / 2) {
    const double with = below + std::exp(log_term);
    if (2 * with > 0.05) break;
    below = with;
    log_term += std::log(static_cast<double>(n - k) / static_cast<double>(k + 1));
    ++k;
  }
  return Interval{order[k - 1], order[n - k]};
}

double slope_of(std::span<const double> values) {
  std::vector<double> slopes;
  for (size_t i = 0; i < values.size(); ++i)
    for (size_t j = i + 1; j < values.size(); ++j)
      slopes.push_back((values[j] - values[i]) / static_cast<double>(j - i));
  return slopes.empty() ? 0 : median_of(slopes);
}

double trend_p(std::span<const double> values) {
  const size_t n = values.size();
  if (n < 2) return 1;
  int64_t score = 0;
  for (size_t i = 0; i < n; ++i)
    for (size_t j = i + 1; j < n; ++j)
      score += (values[j] > values[i] ? 1 : 0) - (values[j] < values[i] ? 1 : 0);
  if (n <= kExactRanks) return exact_trend(n, std::abs(score));
  const auto size = static_cast<double>(n);
  const double deviation = std::sqrt(size * (size - 1) * (2 * size + 5) / 18);
  const double distance = std::max(0.0, static_cast<double>(std::abs(score)) - 1) / deviation;
  return std::erfc(distance / std::sqrt(2.0));
}

double paired_p(std::span<const double> differences) {
  const size_t n = differences.size();
  if (n == 0) return 1;
  double size = 0;
  for (const double difference : differences) size += std::abs(difference);
  const double seen = std::abs(std::accumulate(differences.begin(), differences.end(), 0.0));
  const auto is_as_far = [&](auto&& negative) {
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += negative(i) ? -differences[i] : differences[i];
    return std::abs(sum) >= seen - kSlack * size;
  };
  int hits = 0;
  if (n <= kExactPairs) {
    for (uint64_t signs = 0; signs < uint64_t{1} << n; ++signs)
      hits += is_as_far([&](size_t i) { return ((signs >> i) & 1) != 0; }) ? 1 : 0;
    return hits / std::ldexp(1.0, static_cast<int>(n));
  }
  sample::Random random(kSeed);
  for (int draw = 0; draw < kDraws; ++draw)
    hits += is_as_far([&](size_t) { return random.below(2) == 1; }) ? 1 : 0;
  return share_of_draws(hits);
}

double groups_p(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) return 1;
  std::vector<double> all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  const std::vector<int64_t> ranks = twice_ranks(all);
  // Twice the mean rank is all.size() + 1.
  const auto mean = static_cast<int64_t>(a.size() * (all.size() + 1));
  const auto end = ranks.begin() + static_cast<std::ptrdiff_t>(a.size());
  const int64_t distance = std::abs(std::accumulate(ranks.begin(), end, int64_t{0}) - mean);
  return all.size() <= kExactRanks ? exact_share(ranks, a.size(), mean, distance)
                                   : drawn_share(ranks, a.size(), mean, distance);
}

Interval ratio_interval(std::span<const double> a, std::span<const double> b) {
  sample::Random random(kSeed);
  std::vector<double> ratios, scratch;
  for (int redraw = 0; redraw < kRedraws; ++redraw) {
    const double under = redrawn_median(a, random, scratch);
    ratios.push_back(redrawn_median(b, random, scratch) / under);
  }
  return {percentile_of(ratios, 2.5), percentile_of(ratios, 97.5)};
}

}  // namespace handmill::measure
