// Element types of GGUF tensors, and for each quantized one an exact decoder of its block.
// Everything that depends on a file format's bit layout lives in this room, one file per format;
// kernels see codes, group scales and mins only. Source of the layouts: the `gguf` Python package's
// quants.py, against which every decoder is held bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace handmill::tensor {

/// The numbers are the file format's.
enum class Type : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kIQ4_NL = 20,
  kIQ4_XS = 23,
  kBF16 = 30,
  kMXFP4 = 39,
};

inline constexpr int kMaxBlock = 256;  // elements in the largest block
inline constexpr int kMaxGroups = 16;  // groups in the largest block

/// One block, decoded exactly. Element c of group g = c / group_cols is
///   w = (d · scales[g]) · value − (dmin · mins[g])
///   value = table ? table[code] : code − code_offset
/// every product rounded to float32 once, in this order (most are exact). Formats without
/// sub-scales have scales[g] = 1, formats without mins have mins[g] = 0.
struct Block {
  uint8_t codes[kMaxBlock];
  int8_t scales[kMaxGroups];  // −128..127
  uint8_t mins[kMaxGroups];   // 0..63
  float d;                    // exact value of the file's f16 or e8m0
  float dmin;
};

struct Format {
  Type type;
  std::string_view name;  // lower case: "q4_k"
  int block_cols;         // elements in a block: 1 for floats, 32 or 256
  int block_bytes;        // bytes of a block
  int code_bits;          // 2, 3, 4, 5, 6 or 8; 16 or 32 for floats
  int group_cols;         // elements that share a scale: 16 or 32; 0 for floats
  int code_offset;        // value = code − code_offset where there is no table; q8_0: 128
  const int8_t* table;    // 16 values by code, or null
  bool has_mins;          // q4_1, q5_1, q2_k, q4_k, q5_k
  bool has_sub_scales;    // the k-quants and iq4_xs: integer scales times d
  void (*decode)(const uint8_t* block, Block& out);  // null for floats
  /// block_cols finite values to one block, rounded as the `gguf` package rounds; null where
  /// nothing needs it.
  void (*encode)(const float* values, uint8_t* block);
};

/// The format of a type that handmill has, or null.
const Format* find_format(Type type);
const Format* find_format(std::string_view name);
std::span<const Format> formats();

/// Name of any type number that GGUF knows ("iq2_xxs"), for messages; empty for other numbers
/// ("type 77" style text is the caller's).
std::string_view type_name(uint32_t type);

/// out[0..cols) = the float32 values of one row. `row` holds cols / block_cols blocks; cols is a
/// multiple of block_cols.
void dequantize_row(const Format& format, const uint8_t* row, size_t cols, float* out);

}  // namespace handmill::tensor
