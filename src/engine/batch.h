// The flat arrays of one batch, made once and filled for every step.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/backend.h"

namespace handmill::engine {

class FlatBatch {
 public:
  FlatBatch(size_t rows_max, size_t sequences_max, size_t outputs_max) {
    tokens_.reserve(rows_max);
    positions_.reserve(rows_max);
    sequences_.reserve(rows_max);
    tables_.reserve(sequences_max);
    outputs_.reserve(outputs_max);
  }

  void clear() {
    tokens_.clear();
    positions_.clear();
    sequences_.clear();
    tables_.clear();
    outputs_.clear();
  }
  /// The tokens of one sequence from position `first` on. The table must stay as it is.
  void add(std::span<const int32_t> tokens, int first, std::span<const int32_t> table) {
    tables_.push_back(table);
    for (size_t i = 0; i < tokens.size(); ++i) add_row(tokens[i], first + static_cast<int32_t>(i));
  }
  /// One token more of the sequence added last.
  void add_row(int32_t token, int32_t position) {
    tokens_.push_back(token);
    positions_.push_back(position);
    sequences_.push_back(static_cast<int32_t>(tables_.size()) - 1);
  }
  /// The logits of the row added last are wanted.
  void want_last() { outputs_.push_back(static_cast<int32_t>(tokens_.size()) - 1); }

  std::span<const int32_t> tokens() const { return tokens_; }
  std::span<const int32_t> outputs() const { return outputs_; }
  backend::Batch view() const { return {positions_, sequences_, tables_}; }

 private:
  std::vector<int32_t> tokens_, positions_, sequences_, outputs_;
  std::vector<std::span<const int32_t>> tables_;
};

}  // namespace handmill::engine
