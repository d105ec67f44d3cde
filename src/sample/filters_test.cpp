// Every filter against its formula, written plainly: softmax by std::exp, a full sort, a running
// sum.
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>

#include "sample/steps.h"

namespace handmill::sample {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
using Ids = std::vector<Token>;

std::vector<float> random_logits(uint64_t seed, int count, double spread) {
  Random random(seed);
  std::vector<float> logits;
  for (int i = 0; i < count; ++i) {
    double sum = -6;  // of twelve uniform numbers: close to a normal distribution
    for (int j = 0; j < 12; ++j) sum += static_cast<double>(random.below(1 << 20)) / (1 << 20);
    logits.push_back(static_cast<float>(sum * spread));
  }
  return logits;
}

std::vector<double> softmax(const std::vector<float>& logits, double temperature = 1) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> p;
  for (float x : logits) p.push_back(std::exp((x - largest) / temperature));
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& x : p) x /= sum;
  return p;
}

Candidates all_of(const std::vector<float>& logits) {
  Candidates candidates;
  std::vector<Scored> scratch;
  top_k(logits, 0, scratch, candidates);
  return candidates;
}

Ids ids_of(const Candidates& candidates) {
  return {candidates.ids().begin(), candidates.ids().end()};
}

/// Token ids, ascending, of the first `count` in `key` order.
template <class Key>
Ids first_by(size_t vocab, size_t count, Key key) {
  Ids ids(vocab);
  std::iota(ids.begin(), ids.end(), 0);
  std::stable_sort(ids.begin(), ids.end(), [&](Token a, Token b) { return key(a) < key(b); });
  ids.resize(std::min(count, vocab));
  std::sort(ids.begin(), ids.end());
  return ids;
}

/// As first_by, as many as are needed to hold `share` of `p`.
template <class Key>
Ids share_by(const std::vector<double>& p, double share, Key key) {
  Ids order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](Token a, Token b) { return key(a) < key(b); });
  double sum = 0;
  size_t count = 0;
  while (count < order.size() && (count == 0 || sum < share)) sum += p[order[count++]];
  order.resize(count);
  std::sort(order.begin(), order.end());
  return order;
}

TEST(TopK, KeepsTheLargest) {
  std::vector<Scored> scratch;
  for (int vocab : {1, 15, 16, 17, 100, 5000})
    for (int k : {1, 2, 40, 63, 64, 65, 1000, 4999, 5000, 9999}) {
      auto logits = random_logits(static_cast<uint64_t>(vocab), vocab, 3);
      for (float& x : logits) x = std::round(x * 8) / 8;  // many ties
      Candidates candidates;
      top_k(logits, k, scratch, candidates);
      const Ids expected = first_by(logits.size(), static_cast<size_t>(k),
                                    [&](Token t) { return -logits[static_cast<size_t>(t)]; });
      ASSERT_EQ(ids_of(candidates), expected) << vocab << " tokens, k " << k;
      for (size_t i = 0; i < candidates.size(); ++i)
        EXPECT_EQ(candidates.logits()[i], logits[static_cast<size_t>(candidates.ids()[i])]);
    }
}

TEST(TopK, TakesRisingAndFallingAndFlatLogits) {
  std::vector<Scored> scratch;
  Candidates candidates;
  std::vector<float> logits(10000);
  std::iota(logits.begin(), logits.end(), -5000.0f);
  top_k(logits, 3, scratch, candidates);
  EXPECT_EQ(ids_of(candidates), (Ids{9997, 9998, 9999}));
  std::reverse(logits.begin(), logits.end());
  top_k(logits, 3, scratch, candidates);
  EXPECT_EQ(ids_of(candidates), (Ids{0, 1, 2}));
  std::fill(logits.begin(), logits.end(), 2.0f);
  top_k(logits, 3, scratch, candidates);
  EXPECT_EQ(ids_of(candidates), (Ids{0, 1, 2}));
}

TEST(TopK, NeverTakesImpossibleTokens) {
  std::vector<Scored> scratch;
  Candidates candidates;
  std::vector<float> logits(100, -kInfinity);
  logits[7] = -3e38f;
  logits[70] = -1.0f;
  for (int k : {0, 1, 2, 50, 100}) {
    top_k(logits, k, scratch, candidates);
    EXPECT_EQ(ids_of(candidates), k == 1 ? Ids{70} : (Ids{7, 70})) << k;
  }
}

TEST(TopP, KeepsTheNucleus) {
  for (double spread : {0.001, 0.5, 3.0, 12.0})
    for (float share : {0.0f, 0.1f, 0.5f, 0.95f, 0.999f}) {
      const auto logits = random_logits(11, 3000, spread);
      Candidates candidates = all_of(logits);
      top_p({.top_p = share}, candidates);
      const auto p = softmax(logits);
      EXPECT_EQ(ids_of(candidates),
                share_by(p, share, [&](Token t) { return -logits[static_cast<size_t>(t)]; }))
          << spread << " " << share;
    }
}

TEST(TopP, TiesGoToTheLowerIdAndTheBorderIsInside) {
  Candidates candidates = all_of({1, 2, 2, 2, 2, 1});
  top_p({.top_p = 0.01f}, candidates);
  EXPECT_EQ(ids_of(candidates), Ids{1});
  candidates = all_of({0, 0, 0, 0});
  top_p({.top_p = 0.5f}, candidates);  // 1/4 + 1/4 reaches 1/2 exactly
  EXPECT_EQ(ids_of(candidates), (Ids{0, 1}));
  candidates = all_of({-0.0f, 0.0f, -0.0f, 0.0f});  // the two zeros are one number
  top_p({.top_p = 0.5f}, candidates);
  EXPECT_EQ(ids_of(candidates), (Ids{0, 1}));
}

TEST(TopP, OneIsOff) {
  Candidates candidates = all_of({5, -50, 3});
  top_p({.top_p = 1.0f}, candidates);
  EXPECT_EQ(candidates.size(), 3u);
}

TEST(MinP, KeepsWhatIsLikelyEnough) {
  for (float floor : {0.001f, 0.05f, 0.5f, 1.0f}) {
    const auto logits = random_logits(5, 4000, 2);
    Candidates candidates = all_of(logits);
    min_p({.min_p = floor}, candidates);
    const auto p = softmax(logits);
    const double largest = *std::max_element(p.begin(), p.end());
    Ids expected;
    for (size_t i = 0; i < p.size(); ++i)
      if (p[i] >= static_cast<double>(floor) * largest) expected.push_back(static_cast<Token>(i));
    EXPECT_EQ(ids_of(candidates), expected) << floor;
  }
}

TEST(MinP, ZeroIsOff) {
  Candidates candidates = all_of({5, -500, 3});
  min_p({.min_p = 0.0f}, candidates);
  EXPECT_EQ(candidates.size(), 3u);
}

TEST(Typical, KeepsWhatSurprisesLikeTheEntropy) {
  for (double spread : {0.5, 2.0, 6.0})
    for (float share : {0.0f, 0.2f, 0.9f, 0.99f}) {
      const auto logits = random_logits(23, 2000, spread);
      Candidates candidates = all_of(logits);
      typical({.typical_p = share}, candidates);
      const auto p = softmax(logits);
      double entropy = 0;
      for (double x : p) entropy -= x > 0 ? x * std::log(x) : 0;
      const Ids expected = share_by(p, share, [&](Token t) {
        return std::abs(-std::log(p[static_cast<size_t>(t)]) - entropy);
      });
      EXPECT_EQ(ids_of(candidates), expected) << spread << " " << share;
    }
}

TEST(Typical, MayDropTheLikeliestToken) {
  // p = 1/2 and 64 times 1/128: the entropy is 4 bits; 7 bits are nearer to it... as near as 1 is.
  std::vector<float> logits(65, 0.0f);
  logits[0] = std::log(64.0f * 0.9f);
  Candidates candidates = all_of(logits);
  typical({.typical_p = 0.3f}, candidates);
  EXPECT_GT(candidates.ids()[0], 0);
  EXPECT_LT(candidates.size(), 60u);
}

TEST(Temperature, WeighsByTheScaledLogits) {
  for (float t : {0.1f, 1.0f, 1.7f, 100.0f}) {
    const auto logits = random_logits(31, 500, 4);
    Candidates candidates = all_of(logits);
    temperature({.temperature = t}, candidates);
    const auto p = softmax(logits, t);
    const auto total = static_cast<double>(candidates.total_weight());
    for (size_t i = 0; i < p.size(); ++i)
      EXPECT_NEAR(static_cast<double>(candidates.weights()[i]) / total, p[i], 1e-12) << t;
  }
}

TEST(Temperature, TinyOneLeavesTheBestAlone) {
  Candidates candidates = all_of({1, 3, 2, 3});
  temperature({.temperature = 1e-30f}, candidates);
  EXPECT_EQ(candidates.weights()[0] + candidates.weights()[2], 0u);
  EXPECT_EQ(candidates.weights()[1], candidates.weights()[3]);
}

TEST(Draw, FollowsTheWeights) {
  const std::vector<float> logits = {0.0f, 1.0f, -1.0f, 2.0f, 0.5f, -200.0f};
  Candidates candidates = all_of(logits);
  candidates.weigh(1);
  Random random(2024);
  const int draws = 200000;
  std::vector<double> seen(logits.size());
  for (int i = 0; i < draws; ++i) ++seen[draw(candidates, random)];
  const auto p = softmax(logits);
  double chi_square = 0;
  for (size_t i = 0; i < 5; ++i) {
    const double expected = p[i] * draws;
    chi_square += (seen[i] - expected) * (seen[i] - expected) / expected;
  }
  EXPECT_LT(chi_square, 23.5);  // 99.99 % of chi-square with 4 degrees of freedom
  EXPECT_EQ(seen[5], 0);
}

TEST(Weights, SumExactly) {
  Candidates candidates = all_of(std::vector<float>(10007, 3.5f));
  candidates.weigh(1);
  EXPECT_EQ(candidates.total_weight(), uint64_t{10007} << kWeightBits);
}

}  // namespace
}  // namespace handmill::sample
