// The largest values of a row by sorting all of them, for tests and for devices that tests make.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "backend/backend.h"

namespace handmill::backend::test {

/// Whether a row must be read, as Backend::largest() says.
inline bool must_be_read(std::span<const float> row) {
  return !std::ranges::all_of(row, [](float x) { return x < INFINITY; });
}

inline std::vector<Largest> largest_by_sorting(std::span<const float> row, int count) {
  std::vector<Largest> all;
  for (size_t i = 0; i < row.size(); ++i) all.push_back({row[i], static_cast<int32_t>(i)});
  std::partial_sort(all.begin(), all.begin() + count, all.end(),
                    [](const Largest& a, const Largest& b) {
                      return a.value > b.value || (a.value == b.value && a.col < b.col);
                    });
  all.resize(static_cast<size_t>(count));
  return all;
}

/// Backend::largest() of a backend whose rows are read from `below`.
inline bool largest_of(Backend& below, const Array& array, std::span<const int32_t> counts,
                       size_t cols, std::span<Largest> found) {
  std::vector<float> row(array.cols());
  for (size_t i = 0; i < counts.size(); ++i) {
    below.read(array, i, row);
    if (must_be_read(std::span(row).first(cols))) return false;
    std::ranges::copy(largest_by_sorting(std::span(row).first(cols), counts[i]), found.begin());
    found = found.subspan(static_cast<size_t>(counts[i]));
  }
  return true;
}

}  // namespace handmill::backend::test
