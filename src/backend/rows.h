// Rows that every backend's host makes in one way: of an embedding table, and of rotary angles.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "backend/backend.h"
#include "backend/panel.h"

namespace handmill::backend {

/// row[0..table.cols) = scale · table[token]
inline void embed_row(const Table& table, int32_t token, float scale, float* row) {
  tensor::dequantize_row(
      *table.format,
      table.data.data() + static_cast<size_t>(token) * row_bytes(*table.format, table.cols),
      table.cols, row);
  if (scale != 1.0f)
    for (size_t c = 0; c < table.cols; ++c) row[c] *= scale;
}

/// row[0..2 · frequencies) = pairs (cos, sin) of the angles at `position`.
inline void angle_row(const Rope& rope, int32_t position, float* row) {
  for (const double frequency : rope.frequency) {
    const double angle = position * frequency;
    *row++ = static_cast<float>(std::cos(angle));
    *row++ = static_cast<float>(std::sin(angle));
  }
}

}  // namespace handmill::backend
