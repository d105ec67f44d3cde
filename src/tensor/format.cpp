// The type table: one line per format that handmill decodes, and the names of those it does not.
// Serves every room that meets tensor data; all of it is constant.
#include "tensor/format.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "base/load.h"
#include "tensor/half.h"
#include "tensor/iq4_nl.h"
#include "tensor/iq4_xs.h"
#include "tensor/mxfp4.h"
#include "tensor/q2_k.h"
#include "tensor/q3_k.h"
#include "tensor/q4_0.h"
#include "tensor/q4_1.h"
#include "tensor/q4_k.h"
#include "tensor/q5_0.h"
#include "tensor/q5_1.h"
#include "tensor/q5_k.h"
#include "tensor/q6_k.h"
#include "tensor/q8_0.h"

namespace handmill::tensor {
namespace {

// clang-format off
using enum Type;
constexpr bool yes = true, no = false;
constexpr auto null = nullptr;
constexpr Format kFormats[] = {
    // type, name, columns and bytes of a block, code bits, group columns, code offset, table,
    // mins, sub-scales, decode, encode
    {kF32, "f32", 1, 4, 32, 0, 0, null, no, no, null, null},
    {kF16, "f16", 1, 2, 16, 0, 0, null, no, no, null, null},
    {kBF16, "bf16", 1, 2, 16, 0, 0, null, no, no, null, null},
    {kQ4_0, "q4_0", 32, 18, 4, 32, 8, null, no, no, decode_q4_0, encode_q4_0},
    {kQ4_1, "q4_1", 32, 20, 4, 32, 0, null, yes, no, decode_q4_1, encode_q4_1},
    {kQ5_0, "q5_0", 32, 22, 5, 32, 16, null, no, no, decode_q5_0, encode_q5_0},
    {kQ5_1, "q5_1", 32, 24, 5, 32, 0, null, yes, no, decode_q5_1, encode_q5_1},
    {kQ8_0, "q8_0", 32, 34, 8, 32, 128, null, no, no, decode_q8_0, encode_q8_0},
    {kQ2_K, "q2_k", 256, 84, 2, 16, 0, null, yes, yes, decode_q2_k, null},
    {kQ3_K, "q3_k", 256, 110, 3, 16, 4, null, no, yes, decode_q3_k, null},
    {kQ4_K, "q4_k", 256, 144, 4, 32, 0, null, yes, yes, decode_q4_k, null},
    {kQ5_K, "q5_k", 256, 176, 5, 32, 0, null, yes, yes, decode_q5_k, null},
    {kQ6_K, "q6_k", 256, 210, 6, 16, 32, null, no, yes, decode_q6_k, null},
    {kIQ4_NL, "iq4_nl", 32, 18, 4, 32, 0, kIq4Values, no, no, decode_iq4_nl, null},
    {kIQ4_XS, "iq4_xs", 256, 136, 4, 32, 0, kIq4Values, no, yes, decode_iq4_xs, null},
    {kMXFP4, "mxfp4", 32, 17, 4, 32, 0, kMxfp4Values, no, no, decode_mxfp4, null},
};
// clang-format on

// By number, gaps included: 4, 5, 31–33 and 36–38 are types that ggml has removed.
constexpr std::string_view kTypeNames[] = {
    "f32",   "f16",        "q4_0",       "q4_1",       "q4_2",     "q4_3",     "q5_0",
    "q5_1",  "q8_0",       "q8_1",       "q2_k",       "q3_k",     "q4_k",     "q5_k",
    "q6_k",  "q8_k",       "iq2_xxs",    "iq2_xs",     "iq3_xxs",  "iq1_s",    "iq4_nl",
    "iq3_s", "iq2_s",      "iq4_xs",     "i8",         "i16",      "i32",      "i64",
    "f64",   "iq1_m",      "bf16",       "q4_0_4_4",   "q4_0_4_8", "q4_0_8_8", "tq1_0",
    "tq2_0", "iq4_nl_4_4", "iq4_nl_4_8", "iq4_nl_8_8", "mxfp4",    "nvfp4",    "q1_0"};

void dequantize_floats(Type type, const uint8_t* row, size_t cols, float* out) {
  if (type == Type::kF32) {
    std::memcpy(out, row, cols * sizeof(float));
    return;
  }
  const auto convert = type == Type::kF16 ? half_to_float : bfloat_to_float;
  for (size_t c = 0; c < cols; ++c) out[c] = convert(base::load<uint16_t>(row + 2 * c));
}

void expand(const Format& format, const Block& block, float* out) {
  for (int c = 0; c < format.block_cols; ++c) {
    const int g = c / format.group_cols;
    const int code = block.codes[c];
    const int value = format.table ? format.table[code] : code - format.code_offset;
    const float scale = block.d * static_cast<float>(block.scales[g]);
    out[c] = scale * static_cast<float>(value);
    if (format.has_mins) out[c] -= block.dmin * static_cast<float>(block.mins[g]);
  }
}

}  // namespace

const Format* find_format(Type type) {
  const auto* found = std::ranges::find(kFormats, type, &Format::type);
  return found == std::end(kFormats) ? nullptr : found;
}

const Format* find_format(std::string_view name) {
  const auto* found = std::ranges::find(kFormats, name, &Format::name);
  return found == std::end(kFormats) ? nullptr : found;
}

std::span<const Format> formats() { return kFormats; }

std::string_view type_name(uint32_t type) {
  return type < std::size(kTypeNames) ? kTypeNames[type] : std::string_view();
}

void dequantize_row(const Format& format, const uint8_t* row, size_t cols, float* out) {
  assert(cols % static_cast<size_t>(format.block_cols) == 0);
  if (!format.decode) return dequantize_floats(format.type, row, cols, out);
  Block block;
  for (size_t c = 0; c < cols; c += format.block_cols, row += format.block_bytes) {
    format.decode(row, block);
    expand(format, block, out + c);
  }
}

}  // namespace handmill::tensor
