// The one runtime layout of quantized weights: panels of 16 rows, in which one vector lane is one
// output row, so that a product never sums across lanes. A panel is a run of tiles of 256 columns
// (the last may be shorter, a multiple of 64; missing columns have scale 0); a tile is its scales,
// then its codes.
//
//   codes   for every 64 columns (a pair of groups): bits · 128 bytes. Byte 4r + i of a 64-byte
//   vector belongs to row r,
//           column 4q + i of quad q (16 quads a pair). Planes of 4, 2 and 1 bits: quad q of a 4-bit
//           plane is vector q mod 8, bits 4·(q / 8) and up; of a 2-bit plane vector q mod 4, bits
//           2·(q / 4); of a 1-bit plane vector q mod 2, bit q / 2. 3 bits are planes 2+1, 5 are
//           4+1, 6 are 4+2; 8 bits are one vector a quad.
//   scales  [group][16 rows], as the file has them (f16, or f16 times an integer), so that packing
//   loses nothing.
//           Padded to 64 bytes.
//
// Float weights are [column][16 rows] in their own type, untiled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "tensor/format.h"

namespace handmill::backend {

/// Files keep panels: it rises with every change that packs the same weights into other bytes.
inline constexpr int kPanelVersion = 1;
inline constexpr int kPanelRows = 16;
inline constexpr int kTileCols = 256;
inline constexpr int kPairCols = 64;
inline constexpr int kGroupCols = 32;

enum class Codes : uint8_t { k2, k3, k4, k5, k6, k8, k4Table, kF16, kBF16, kF32 };

enum class Scales : uint8_t {
  kNone,      // float weights
  kHalf,      // f16 for each 32 columns
  kHalfMin,   // f16 scale and f16 min for each 32
  kFloat,     // f32 for each 32 (exponents beyond f16's: MXFP4)
  kSub32,     // f16 for each 256, times int8 for each 32
  kSub16,     // f16 for each 256, times int8 for each 16
  kSubMin32,  // f16 scale and min for each 256, times bytes for each 32
  kSubMin16,  // f16 scale and min for each 256, times bytes for each 16
};

struct PanelLayout {
  Codes codes;
  Scales scales;
  int code_offset;      // value = code − code_offset; 128 for looked-up codes
  const int8_t* table;  // value = table[code] for k4Table
  const tensor::Format* format;

  bool is_float() const { return scales == Scales::kNone; }
  size_t tile_bytes(int groups) const;  // of a tile of `groups` groups of 32 columns
  size_t panel_bytes(size_t cols) const;
};

/// The layout for a file format, or nothing if there is none.
std::optional<PanelLayout> panel_layout(const tensor::Format& format);

/// Backends that have it pack the same weights into the same bytes.
std::string panel_layout_name();

/// Bytes of a row of `cols` columns in the file's format.
size_t row_bytes(const tensor::Format& format, size_t cols);

/// Columns as the panel holds them: quantized ones are padded to whole pairs.
size_t padded_cols(const PanelLayout& layout, size_t cols);

/// Bytes of a tile's scales, padded to 64.
size_t scale_bytes(Scales scales, int groups);

/// Packs rows [row, row + 16) of a matrix of `rows` rows; rows past the end become zeros. `data` is
/// the whole matrix in the file's format; `panel` has panel_bytes(cols) bytes.
void pack_panel(const PanelLayout& layout, const uint8_t* data, size_t rows, size_t cols,
                size_t row, uint8_t* panel);

}  // namespace handmill::backend
