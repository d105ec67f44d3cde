// The tokens that are still in the running, in ascending id, with weights proportional to their
// probabilities. Weights are whole numbers: their sums do not depend on the order of addition, so
// a filter may select in any order and still cut at the same token. Serves the samplers of this
// room.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "text/tokenizer.h"

namespace handmill::sample {

using text::Token;

/// The weight of the likeliest token. With at most kMaxVocab tokens a sum is at most 2^63.
inline constexpr int kWeightBits = 41;
inline constexpr uint64_t kWeightOne = uint64_t{1} << kWeightBits;
inline constexpr int kMaxVocab = 1 << 22;
static_assert(uint64_t{kMaxVocab} <= (uint64_t{1} << 63) / kWeightOne);

class Candidates {
 public:
  size_t size() const { return ids_.size(); }
  std::span<const Token> ids() const { return ids_; }             // [size]
  std::span<const float> logits() const { return logits_; }       // [size]
  std::span<const uint64_t> weights() const { return weights_; }  // [size], after weigh()
  bool weighed() const { return weights_.size() == ids_.size(); }

  void clear();
  void reserve(size_t count);
  /// `id` must be above every id that is there.
  void add(Token id, float logit);

  /// weights[i] = round(2^41 * exp((logit - largest logit) / temperature)).
  void weigh(double temperature);
  /// weigh(1) unless there are weights already.
  void need_weights();
  uint64_t total_weight() const;
  float largest_logit() const;

  /// Keeps candidate i where keep(i); the order stays. `keep` must hold for one at least.
  template <class Keep>
  void keep_if(Keep keep);
  /// Keeps the smallest set of least key(i) (a float, not NaN; equal ones by lower id) whose
  /// weights reach `share` (0 to 1) of the total, and one candidate at least. Linear time.
  template <class Key>
  void keep_least(double share, Key key);

 private:
  void keep_least_ranked(double share);

  std::vector<Token> ids_;
  std::vector<float> logits_;
  std::vector<uint64_t> weights_;  // [size], or empty before weigh()
  std::vector<uint32_t> ranks_;    // scratch of keep_least: its keys as ordered whole numbers
};

/// Orders floats (not NaN) as whole numbers; -0 stands with +0.
inline uint32_t rank_of(float key) {
  const auto bits = std::bit_cast<uint32_t>(key + 0.0f);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

template <class Key>
void Candidates::keep_least(double share, Key key) {
  ranks_.resize(size());
  for (size_t i = 0; i < size(); ++i) ranks_[i] = rank_of(key(i));
  keep_least_ranked(share);
}

template <class Keep>
void Candidates::keep_if(Keep keep) {
  const bool with_weights = weighed();
  size_t out = 0;
  for (size_t i = 0; i < ids_.size(); ++i) {
    const bool kept = keep(i);
    ids_[out] = ids_[i];
    logits_[out] = logits_[i];
    if (with_weights) weights_[out] = weights_[i];
    out += kept;
  }
  ids_.resize(out);
  logits_.resize(out);
  if (with_weights) weights_.resize(out);
}

}  // namespace handmill::sample
