#include "backend/panel.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

#include "tensor/half.h"

namespace handmill::backend {
namespace {

int code_bits(Codes codes) {
  switch (codes) {
    case Codes::k2: return 2;
    case Codes::k3: return 3;
    case Codes::k4:
    case Codes::k4Table: return 4;
    case Codes::k5: return 5;
    case Codes::k6: return 6;
    case Codes::k8: return 8;
    case Codes::kF16:
    case Codes::kBF16: return 16;
    case Codes::kF32: return 32;
  }
  return 0;
}

/// The codes of one tile, row by row.
using TileCodes = uint8_t[kPanelRows][kTileCols];

/// One plane of a pair of groups that starts at column `col`: bits [up, up + bits) of every code.
/// Four codes of a row are a word, so the bytes of a lane move together.
void pack_plane(const TileCodes& codes, size_t col, int bits, int up, uint8_t* plane) {
  const int vectors = 2 * bits;
  const uint32_t mask = 0x01010101u * ((1u << bits) - 1);
  for (int vector = 0; vector < vectors; ++vector)
    for (size_t lane = 0; lane < kPanelRows; ++lane) {
      uint32_t word = 0;
      for (int shift = 0, quad = vector; quad < 16; shift += bits, quad += vectors) {
        uint32_t four;
        std::memcpy(&four, codes[lane] + col + 4 * static_cast<size_t>(quad), 4);
        word |= ((four >> up) & mask) << shift;
      }
      std::memcpy(plane + static_cast<size_t>(vector) * 64 + lane * 4, &word, 4);
    }
}

void pack_pair(Codes kind, const TileCodes& codes, size_t col, uint8_t* pair) {
  switch (kind) {
    case Codes::k2: return pack_plane(codes, col, 2, 0, pair);
    case Codes::k3:
      pack_plane(codes, col, 2, 0, pair);
      return pack_plane(codes, col, 1, 2, pair + 256);
    case Codes::k4:
    case Codes::k4Table: return pack_plane(codes, col, 4, 0, pair);
    case Codes::k5:
      pack_plane(codes, col, 4, 0, pair);
      return pack_plane(codes, col, 1, 4, pair + 512);
    case Codes::k6:
      pack_plane(codes, col, 4, 0, pair);
      return pack_plane(codes, col, 2, 4, pair + 512);
    default: return pack_plane(codes, col, 8, 0, pair);
  }
}

void put_half(uint8_t* at, size_t index, float value) {
  const uint16_t half = tensor::float_to_half(value);
  std::memcpy(at + 2 * index, &half, 2);
}

/// Writes the scales of one file block whose first column is `col` of the tile, for lane `row`.
void put_scales(const PanelLayout& layout, uint8_t* tile, int groups, int col, int row,
                const tensor::Block& block) {
  const size_t group = static_cast<size_t>(col / kGroupCols);
  const auto lane = static_cast<size_t>(row);
  const auto all = static_cast<size_t>(groups);
  switch (layout.scales) {
    case Scales::kHalf: put_half(tile, group * 16 + lane, block.d); return;
    case Scales::kHalfMin:
      put_half(tile, group * 16 + lane, block.d);
      put_half(tile, (all + group) * 16 + lane, block.dmin * block.mins[0]);
      return;
    case Scales::kFloat: std::memcpy(tile + 4 * (group * 16 + lane), &block.d, 4); return;
    default: break;
  }
  // The k-quants: a block is a whole tile.
  const bool mins = layout.format->has_mins;
  put_half(tile, lane, block.d);
  if (mins) put_half(tile + 32, lane, block.dmin);
  uint8_t* sub = tile + (mins ? 64 : 32);
  const size_t subs = static_cast<size_t>(layout.format->block_cols / layout.format->group_cols);
  for (size_t g = 0; g < subs; ++g) {
    sub[g * 16 + lane] = static_cast<uint8_t>(block.scales[g]);
    if (mins) sub[(subs + g) * 16 + lane] = block.mins[g];
  }
}

void pack_floats(const PanelLayout& layout, const uint8_t* data, size_t rows, size_t cols,
                 size_t row, uint8_t* panel) {
  const auto width = static_cast<size_t>(layout.format->block_bytes);
  const size_t lanes = std::min<size_t>(kPanelRows, rows - row);
  for (size_t lane = 0; lane < lanes; ++lane)
    for (size_t col = 0; col < cols; ++col)
      std::memcpy(panel + (col * kPanelRows + lane) * width,
                  data + ((row + lane) * cols + col) * width, width);
}

}  // namespace

std::optional<PanelLayout> panel_layout(const tensor::Format& format) {
  using tensor::Type;
  auto layout = [&](Codes codes, Scales scales) {
    // Looked-up values are kept as value + 128.
    const int offset = format.table != nullptr ? 128 : format.code_offset;
    return PanelLayout{codes, scales, offset, format.table, &format};
  };
  switch (format.type) {
    case Type::kF32: return layout(Codes::kF32, Scales::kNone);
    case Type::kF16: return layout(Codes::kF16, Scales::kNone);
    case Type::kBF16: return layout(Codes::kBF16, Scales::kNone);
    case Type::kQ4_0: return layout(Codes::k4, Scales::kHalf);
    case Type::kQ4_1: return layout(Codes::k4, Scales::kHalfMin);
    case Type::kQ5_0: return layout(Codes::k5, Scales::kHalf);
    case Type::kQ5_1: return layout(Codes::k5, Scales::kHalfMin);
    case Type::kQ8_0: return layout(Codes::k8, Scales::kHalf);
    case Type::kQ2_K: return layout(Codes::k2, Scales::kSubMin16);
    case Type::kQ3_K: return layout(Codes::k3, Scales::kSub16);
    case Type::kQ4_K: return layout(Codes::k4, Scales::kSubMin32);
    case Type::kQ5_K: return layout(Codes::k5, Scales::kSubMin32);
    case Type::kQ6_K: return layout(Codes::k6, Scales::kSub16);
    case Type::kIQ4_NL: return layout(Codes::k4Table, Scales::kHalf);
    case Type::kIQ4_XS: return layout(Codes::k4Table, Scales::kSub32);
    case Type::kMXFP4: return layout(Codes::k4Table, Scales::kFloat);
  }
  return std::nullopt;
}

std::string panel_layout_name() {
  return fmt::format("panels of {} rows, version {}", kPanelRows, kPanelVersion);
}

size_t row_bytes(const tensor::Format& format, size_t cols) {
  return cols / static_cast<size_t>(format.block_cols) * static_cast<size_t>(format.block_bytes);
}

size_t padded_cols(const PanelLayout& layout, size_t cols) {
  return layout.is_float() ? cols : (cols + kPairCols - 1) / kPairCols * kPairCols;
}

size_t scale_bytes(Scales scales, int groups) {
  const auto g = static_cast<size_t>(groups);
  size_t bytes = 0;
  switch (scales) {
    case Scales::kNone: break;
    case Scales::kHalf: bytes = 32 * g; break;
    case Scales::kHalfMin:
    case Scales::kFloat: bytes = 64 * g; break;
    case Scales::kSub32: bytes = 32 + 16 * g; break;
    case Scales::kSub16: bytes = 32 + 32 * g; break;
    case Scales::kSubMin32: bytes = 64 + 32 * g; break;
    case Scales::kSubMin16: bytes = 64 + 64 * g; break;
  }
  return (bytes + 63) / 64 * 64;
}

size_t PanelLayout::tile_bytes(int groups) const {
  return scale_bytes(scales, groups) + static_cast<size_t>(groups / 2 * code_bits(codes)) * 128;
}

size_t PanelLayout::panel_bytes(size_t cols) const {
  if (is_float()) return cols * kPanelRows * static_cast<size_t>(format->block_bytes);
  const size_t padded = padded_cols(*this, cols);
  const auto rest = static_cast<int>(padded % kTileCols);
  return padded / kTileCols * tile_bytes(kTileCols / kGroupCols) +
         (rest ? tile_bytes(rest / kGroupCols) : 0);
}

void pack_panel(const PanelLayout& layout, const uint8_t* data, size_t rows, size_t cols,
                size_t row, uint8_t* panel) {
  std::memset(panel, 0, layout.panel_bytes(cols));
  if (layout.is_float()) return pack_floats(layout, data, rows, cols, row, panel);
  const tensor::Format& format = *layout.format;
  const auto block_cols = static_cast<size_t>(format.block_cols);
  const auto block_bytes = static_cast<size_t>(format.block_bytes);
  const size_t stride = row_bytes(format, cols);
  const size_t padded = padded_cols(layout, cols);
  const size_t lanes = std::min<size_t>(kPanelRows, rows - row);
  alignas(64) TileCodes codes = {};
  uint8_t* tile = panel;
  for (size_t start = 0; start < padded; start += kTileCols) {
    const auto width = std::min<size_t>(kTileCols, padded - start);
    const int groups = static_cast<int>(width) / kGroupCols;
    if (start + width > cols) std::memset(codes, 0, sizeof codes);
    for (size_t lane = 0; lane < lanes; ++lane) {
      const uint8_t* block = data + (row + lane) * stride + start / block_cols * block_bytes;
      for (size_t col = 0; col < width && start + col < cols;
           col += block_cols, block += block_bytes) {
        tensor::Block decoded;
        format.decode(block, decoded);
        put_scales(layout, tile, groups, static_cast<int>(col), static_cast<int>(lane), decoded);
        std::memcpy(codes[lane] + col, decoded.codes, block_cols);
      }
    }
    uint8_t* pair = tile + scale_bytes(layout.scales, groups);
    for (size_t col = 0; col < width; col += kPairCols, pair += code_bits(layout.codes) * 128)
      pack_pair(layout.codes, codes, col, pair);
    tile += layout.tile_bytes(groups);
  }
}

}  // namespace handmill::backend
