#include "backend/cpu/panel.h"

#include <algorithm>
#include <cstring>

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

/// Sets the bits of quad `quad` in a plane of `bits` bits: `byte` is the place inside a 64-byte
/// vector.
void put_plane(uint8_t* plane, int bits, int quad, int byte, unsigned value) {
  const int vectors = 2 * bits;  // of a pair: 16 quads, 8 / bits to a byte
  plane[(quad % vectors) * 64 + byte] |= static_cast<uint8_t>(value << (bits * (quad / vectors)));
}

void put_code(Codes codes, uint8_t* pair, int col, int row, unsigned code) {
  const int quad = col / 4;
  const int byte = 4 * row + col % 4;
  switch (codes) {
    case Codes::k2: put_plane(pair, 2, quad, byte, code); break;
    case Codes::k3:
      put_plane(pair, 2, quad, byte, code & 3);
      put_plane(pair + 256, 1, quad, byte, code >> 2);
      break;
    case Codes::k4:
    case Codes::k4Table: put_plane(pair, 4, quad, byte, code); break;
    case Codes::k5:
      put_plane(pair, 4, quad, byte, code & 15);
      put_plane(pair + 512, 1, quad, byte, code >> 4);
      break;
    case Codes::k6:
      put_plane(pair, 4, quad, byte, code & 15);
      put_plane(pair + 512, 2, quad, byte, code >> 4);
      break;
    default: pair[quad * 64 + byte] = static_cast<uint8_t>(code); break;
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
  const size_t row_bytes = cols / block_cols * block_bytes;
  const size_t padded = padded_cols(layout, cols);
  const size_t pair_bytes = static_cast<size_t>(code_bits(layout.codes)) * 128;
  const int lanes = static_cast<int>(std::min<size_t>(kPanelRows, rows - row));
  for (int lane = 0; lane < lanes; ++lane) {
    const uint8_t* blocks = data + (row + static_cast<size_t>(lane)) * row_bytes;
    uint8_t* tile = panel;
    for (size_t start = 0; start < padded; start += kTileCols) {
      const auto width = std::min<size_t>(kTileCols, padded - start);
      const int groups = static_cast<int>(width) / kGroupCols;
      uint8_t* codes = tile + scale_bytes(layout.scales, groups);
      for (size_t col = 0; col < width && start + col < cols;
           col += block_cols, blocks += block_bytes) {
        tensor::Block block;
        format.decode(blocks, block);
        put_scales(layout, tile, groups, static_cast<int>(col), lane, block);
        for (size_t c = 0; c < block_cols; ++c)
          put_code(layout.codes, codes + (col + c) / kPairCols * pair_bytes,
                   static_cast<int>((col + c) % kPairCols), lane, block.codes[c]);
      }
      tile += layout.tile_bytes(groups);
    }
  }
}

}  // namespace handmill::backend
