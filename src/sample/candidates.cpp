// Weighing and weighted selection. The selection is a radix search over the bits of the keys, three
// linear passes whatever the keys are; nothing is sorted.
#include "sample/candidates.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <utility>

#include "sample/portable_math.h"

namespace handmill::sample {
namespace {

/// Where the least ranks reach a target: `below` is the weight of all ranks under `rank`, which is
/// less than the target; with the weight of `rank` itself the target is reached.
struct Cut {
  uint32_t rank;
  uint64_t below;
};

/// REQUIRES target <= the sum of `weights`, target > 0.
Cut find_cut(std::span<const uint32_t> ranks, std::span<const uint64_t> weights, uint64_t target) {
  Cut cut{0, 0};
  uint32_t known = 0;  // mask of the bits of cut.rank that are settled
  for (const auto& [shift, width] : {std::pair{20, 12}, std::pair{8, 12}, std::pair{0, 8}}) {
    const uint32_t digit_mask = (1u << width) - 1;
    std::array<uint64_t, 4096> weight_of_digit{};
    for (size_t i = 0; i < ranks.size(); ++i)
      if ((ranks[i] & known) == cut.rank)
        weight_of_digit[ranks[i] >> shift & digit_mask] += weights[i];
    uint32_t digit = 0;
    while (cut.below + weight_of_digit[digit] < target) {
      cut.below += weight_of_digit[digit++];
      assert(digit <= digit_mask);
    }
    cut.rank |= digit << shift;
    known |= digit_mask << shift;
  }
  return cut;
}

}  // namespace

void Candidates::clear() {
  ids_.clear();
  logits_.clear();
  weights_.clear();
}

void Candidates::reserve(size_t count) {
  ids_.reserve(count);
  logits_.reserve(count);
}

void Candidates::add(Token id, float logit) {
  assert(ids_.empty() || ids_.back() < id);
  ids_.push_back(id);
  logits_.push_back(logit);
}

float Candidates::largest_logit() const {
  return *std::max_element(logits_.begin(), logits_.end());
}

void Candidates::weigh(double temperature) {
  constexpr double kToInteger = 0x1p52;  // adding it leaves the rounded integer in the low bits
  constexpr uint64_t kMantissa = 0x000fffffffffffffu;
  const size_t count = ids_.size();
  const double largest = largest_logit();
  weights_.resize(count);
  const float* logits = logits_.data();
  uint64_t* weights = weights_.data();
  for (size_t i = 0; i < count; ++i) {
    const double share = portable_exp((logits[i] - largest) / temperature);
    const double scaled = share * static_cast<double>(kWeightOne) + kToInteger;
    weights[i] = std::bit_cast<uint64_t>(scaled) & kMantissa;
  }
}

void Candidates::need_weights() {
  if (!weighed()) weigh(1.0);
}

uint64_t Candidates::total_weight() const {
  uint64_t total = 0;
  for (uint64_t weight : weights_) total += weight;
  return total;
}

void Candidates::keep_least_ranked(double share) {
  assert(weighed() && size() > 0);
  const uint64_t total = total_weight();
  const double wanted = std::ceil(share * static_cast<double>(total));
  const uint64_t target = std::clamp<uint64_t>(static_cast<uint64_t>(wanted), 1, total);
  const Cut cut = find_cut(ranks_, weights_, target);
  uint64_t reached = cut.below;
  keep_if([&](size_t i) {
    if (ranks_[i] != cut.rank) return ranks_[i] < cut.rank;
    if (reached >= target) return false;
    reached += weights_[i];
    return true;
  });
}

}  // namespace handmill::sample
