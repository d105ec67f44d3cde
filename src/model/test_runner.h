// Runs a model on any backend, for tests of where and how it is computed.
#pragma once

#include <cmath>
#include <gtest/gtest.h>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "backend/split/split.h"
#include "model/model.h"

namespace handmill::model::test {

using Tokens = std::vector<int32_t>;
using Rows = std::vector<std::vector<float>>;

inline Tokens random_tokens(size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  Tokens tokens(n);
  for (int32_t& token : tokens) token = static_cast<int32_t>(random() % 300);
  return tokens;
}

// Of a model in two places: its size, and where a layer may be.
inline constexpr int kLayers = 3, kFfnWidth = 640;
inline constexpr backend::LayerPlace kHere{false, 0}, kThere{true, 0};
inline backend::LayerPlace shared(size_t cpu_cols) { return {true, cpu_cols}; }

struct Part {
  std::span<const int32_t> tokens;
  int first;
  std::span<const int32_t> table;
};

class Runner {
 public:
  /// `rows` is the largest batch, `blocks` those of the cache.
  Runner(std::shared_ptr<const gguf::File> file, std::unique_ptr<backend::Backend> backend,
         backend::KvType kv = backend::KvType::kF16, int rows = 128, int blocks = 16)
      : file_(std::move(file)), backend_(std::move(backend)) {
    auto model = Model::load(*file_, *backend_, rows, rows);
    if (!model.ok()) {
      ADD_FAILURE() << model.error().message;
      return;
    }
    model_ = std::move(*model);
    store_ = std::move(*backend_->kv_store(model_->kv_shape(kv), blocks));
    EXPECT_EQ(store_->block_bytes(), backend_->kv_block_bytes(model_->kv_shape(kv)));
  }
  backend::Backend& backend() { return *backend_; }

  /// One batch; logits of every row, and then its hidden states.
  Rows run(const std::vector<Part>& parts) {
    Tokens tokens, positions, sequences;
    std::vector<std::span<const int32_t>> tables;
    for (const Part& part : parts) {
      for (size_t i = 0; i < part.tokens.size(); ++i) {
        tokens.push_back(part.tokens[i]);
        positions.push_back(part.first + static_cast<int32_t>(i));
        sequences.push_back(static_cast<int32_t>(tables.size()));
      }
      tables.push_back(part.table);
    }
    Tokens outputs(tokens.size());
    std::iota(outputs.begin(), outputs.end(), 0);
    const auto& logits = model_->forward(tokens, {positions, sequences, tables}, *store_, outputs);
    Rows rows = read(logits, tokens.size());
    const Rows states = read(model_->hidden(static_cast<int>(tokens.size())), tokens.size());
    for (size_t i = 0; i < rows.size(); ++i)
      rows[i].insert(rows[i].end(), states[i].begin(), states[i].end());
    return rows;
  }
  /// A sequence from token `from` on, whose earlier ones are in the cache.
  Rows run(const Tokens& tokens, size_t chunk, const Tokens& table = {2, 1, 0, 3},
           size_t from = 0) {
    Rows all;
    for (size_t first = from; first < tokens.size(); first += chunk) {
      const auto part = std::span(tokens).subspan(first, std::min(chunk, tokens.size() - first));
      for (auto& row : run({{part, static_cast<int>(first), table}})) all.push_back(std::move(row));
    }
    return all;
  }
  /// One token of one sequence, nothing read.
  const backend::Array& decode(int32_t token, int position) {
    const int32_t zero = 0;
    const std::span<const int32_t> one(&zero, 1), table(table_);
    return model_->forward({&token, 1}, {{&position, 1}, one, {&table, 1}}, *store_, one);
  }

 private:
  Rows read(const backend::Array& array, size_t n) {
    std::vector<float> all(n * array.cols());
    backend_->read(array, 0, all);
    Rows rows;
    for (size_t i = 0; i < n; ++i)
      rows.emplace_back(all.begin() + static_cast<ptrdiff_t>(i * array.cols()),
                        all.begin() + static_cast<ptrdiff_t>((i + 1) * array.cols()));
    return rows;
  }

  std::shared_ptr<const gguf::File> file_;
  std::unique_ptr<backend::Backend> backend_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<backend::KvStore> store_;
  Tokens table_{0, 1, 2, 3};
};

/// In a row's differences there is no more than this share of its energy.
inline double nmse(const Rows& rows, const Rows& expected) {
  double error = 0, energy = 0;
  for (size_t i = 0; i < rows.size(); ++i)
    for (size_t j = 0; j < rows[i].size(); ++j) {
      error += std::pow(double{rows[i][j]} - double{expected[i][j]}, 2);
      energy += std::pow(double{expected[i][j]}, 2);
    }
  return error / energy;
}

}  // namespace handmill::model::test
