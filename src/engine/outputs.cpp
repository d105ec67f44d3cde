#include "engine/outputs.h"

#include <algorithm>

namespace handmill::engine {

static_assert(sample::kLargestMax <= backend::kLargestMax);

Outputs::Outputs(int rows_max, int vocab, int sampled)
    : sampled_(static_cast<size_t>(sampled)), row_(static_cast<size_t>(vocab)) {
  const auto rows = static_cast<size_t>(rows_max);
  needed_.reserve(rows);
  starts_.reserve(rows);
  found_.reserve(rows * sample::kLargestMax);
  scored_.reserve(sample::kLargestMax);
}

void Outputs::clear() {
  backend_ = nullptr;
  logits_ = nullptr;
  needed_.clear();
  starts_.clear();
  found_.clear();
}

void Outputs::want(const Sequence& sequence) {
  starts_.push_back(found_.size());
  needed_.push_back(sequence.largest_needed());
  found_.resize(found_.size() + static_cast<size_t>(needed_.back()));
}

void Outputs::read(backend::Backend& backend, const backend::Array& logits) {
  backend_ = &backend;
  logits_ = &logits;
  if (needed_.empty()) return;
  few_ = std::ranges::min(needed_) > 0 && backend.largest(logits, needed_, sampled_, found_);
  if (!few_) backend.read(logits, 0, row_);
}

bool Outputs::pick(Sequence& sequence, size_t row) {
  if (few_) {
    scored_.clear();
    for (int32_t i = 0; i < needed_[row]; ++i) {
      const backend::Largest& one = found_[starts_[row] + static_cast<size_t>(i)];
      scored_.push_back({one.value, one.col});
    }
    return sequence.pick_largest(scored_);
  }
  if (row > 0) backend_->read(*logits_, row, row_);
  if (sequence.wants_logprobs()) raw_ = row_;
  return sequence.pick(std::span(row_).first(sampled_),
                       std::span<const float>(raw_).first(raw_.empty() ? 0 : sampled_));
}

}  // namespace handmill::engine
