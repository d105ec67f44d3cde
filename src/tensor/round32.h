// The formats of 32 columns with one scale: how a Block says so, and how their encoders choose
// scale and codes. Bit for bit what the `gguf` Python package's quantize does on finite values;
// others give some code, never undefined behaviour. Serves the format files of this room alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "tensor/format.h"

namespace handmill::tensor {

inline void set_single_scale(float d, Block& out) {
  out.d = d;
  out.dmin = 0;
  out.scales[0] = 1;
  out.mins[0] = 0;
}

inline void set_scale_and_offset(float d, float offset, Block& out) {
  out.d = d;
  out.dmin = -offset;
  out.scales[0] = 1;
  out.mins[0] = 1;
}

/// 1 / d, or 0 where that is not a number to multiply with: every code is then the one of zero.
inline float inverse_scale(float d) {
  const float inverse = 1.0f / d;
  return std::isfinite(inverse) ? inverse : 0.0f;
}

/// Truncated, clamped; NaN becomes `low`.
inline int to_code(float value, int low, int high) {
  if (!(value > static_cast<float>(low))) return low;
  return value < static_cast<float>(high) ? static_cast<int>(value) : high;
}

/// codes[0..32) with value = code − offset, the largest magnitude at −offset; returns the scale.
inline float encode_symmetric(const float* values, int offset, uint8_t* codes) {
  float largest = values[0];
  for (int c = 1; c < 32; ++c) {
    if (std::fabs(values[c]) > std::fabs(largest)) largest = values[c];
  }
  const float d = largest / static_cast<float>(-offset);
  const float inverse = inverse_scale(d);
  const float shift = static_cast<float>(offset) + 0.5f;
  for (int c = 0; c < 32; ++c) {
    codes[c] = static_cast<uint8_t>(to_code(values[c] * inverse + shift, 0, 2 * offset - 1));
  }
  return d;
}

/// codes[0..32) from 0 at the smallest value to `top` at the largest; returns scale and smallest.
inline std::pair<float, float> encode_affine(const float* values, int top, uint8_t* codes) {
  const auto [low, high] = std::minmax_element(values, values + 32);
  const float d = (*high - *low) / static_cast<float>(top);
  const float inverse = inverse_scale(d);
  for (int c = 0; c < 32; ++c) {
    codes[c] = static_cast<uint8_t>(to_code((values[c] - *low) * inverse + 0.5f, 0, top));
  }
  return {d, *low};
}

}  // namespace handmill::tensor
