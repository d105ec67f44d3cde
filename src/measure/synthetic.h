// Arrays and matrices without a model behind them, for the measurements of this room.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "measure/timing.h"
#include "tensor/format.h"

namespace handmill::measure {

template <class T>
using Made = Result<std::unique_ptr<T>>;

inline constexpr double kFigureBudget = 0.3;  // seconds for one figure
inline constexpr double kLongestRun = 0.3;    // for one run of its work

/// `most` of something that takes `each_s`, or as many as keep a run short, at least `least`. A
/// machine so slow that this cuts what it reads is bound by arithmetic, and no cache helps it.
inline size_t affordable(size_t most, size_t least, double each_s) {
  const double fit = kLongestRun / std::max(each_s, 1e-9);
  return fit >= static_cast<double>(most) ? most : std::max(least, static_cast<size_t>(fit));
}

/// `most` rows, halved until one run of `work(rows)` is short.
template <class Work>
int affordable_rows(int most, Work work) {
  constexpr int kFew = 8;
  const double each = seconds_of([&] { work(kFew); }) / kFew;
  int rows = most;
  while (rows > kFew && each * rows > kLongestRun) rows /= 2;
  return rows;
}

/// float32 in −1..1, every row the same.
Made<backend::Array> random_array(backend::Backend& backend, size_t rows, size_t cols);
/// Bytes of weights as a file has them: random blocks, all of them finite.
std::vector<uint8_t> random_blocks(const tensor::Format& format, size_t rows, size_t cols);
/// Those, packed.
Made<backend::Matrix> random_matrix(backend::Backend& backend, const tensor::Format& format,
                                    size_t rows, size_t cols);

}  // namespace handmill::measure
