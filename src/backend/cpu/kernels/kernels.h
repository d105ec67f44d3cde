// What an instruction set must do. Each table is the same kernels, written once (*.inl) on a
// vocabulary of 16-lane operations (vec_*.inl) and compiled once per ISA. All arithmetic is
// integer, or float32 with every rounding spelled out, so all tables give the same bits; the scalar
// one is the specification.
//
// The order of a product, per output and group of columns, ascending:
//   t = Σ value · code            exact int32
//   y = fma(float(t) · x_scale, w_scale, y)
//   y = fma(−w_min, x_sum, y)     where the format has mins;  x_sum = float(Σ code) · x_scale
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "backend/backend.h"
#include "backend/panel.h"
#include "probe/machine.h"

namespace handmill::backend {

/// Rows of quantized activations. `cols` is padded to whole pairs; padding has code 0 and scale 0.
struct CodeRows {
  int8_t* codes;    // [rows, cols], −127..127
  float* scales;    // [rows, cols / 32]; at most 16 significant bits, so that scale · 1.5 · 2^23 is
                    // exact
  float* sums;      // [rows, cols / 32]: float(Σ codes) · scale
  int32_t* sums16;  // [rows, cols / 16]: Σ codes
  size_t cols;

  CodeRows at(size_t row) const {
    return {codes + row * cols, scales + row * (cols / 32), sums + row * (cols / 32),
            sums16 + row * (cols / 16), cols};
  }
};

/// Scratch that `product` needs, 64-byte aligned.
inline constexpr size_t kProductScratch = 4 * (kTileCols * kPanelRows + 2 * 16 * kPanelRows * 4);

/// out[i * out_stride + r] = row r of `panel_count` panels times activations i, for n activations.
struct Product {
  const PanelLayout* layout;
  const uint8_t* panels;
  size_t panel_bytes;
  int panel_count;
  CodeRows x;       // quantized weights read this,
  const float* xf;  // float weights this: [n, cols]
  size_t cols;      // of xf
  size_t n;
  float* out;
  size_t out_stride;
  uint8_t* scratch;
};

/// One block of keys and values (kKvBlock positions of one kv head) against `rows` queries.
///   f16    K [4 panels of 16 keys][head_dim][16], V [64][head_dim]
///   q8_0   K [4 panels][head_dim / 32 groups][8 quads][16 keys][4] codes + 128, then
///   [4][groups][16] f16 scales;
///          V [16 quads of keys][head_dim][4] codes + 128, then [64] f16 scales;
///          centre [head_dim] f32
/// Per query the state is the running maximum, the running sum and the weighted values (arXiv
/// 2205.14135).
struct AttendBlock {
  const uint8_t* block;
  const uint8_t* next;  // the block that will be asked for after this one, or null
  KvType type;
  int head_dim;
  bool centred;  // q8_0: keys are kept less the block's centre
  int rows;
  const float* q;    // [rows, head_dim], scaled
  CodeRows q_codes;  // the same, quantized (q8_0 keys)
  const int* begin;  // [rows]: keys begin..end of this block are seen; begin ≥ end: none
  const int* end;
  float* maximum;  // [rows]
  float* sum;      // [rows]
  float* values;   // [rows, head_dim]
  float* scratch;  // [kTileQueries, 64]
};

/// The most queries that share one reading of a block.
inline constexpr int kTileQueries = 6;

struct Kernels {
  probe::Isa isa;
  const char* name;

  void (*product)(const Product& product);
  /// Quantizes one row of `cols` floats; code, scale and sums of the padding up to x.cols are
  /// zeroed.
  void (*quantize)(const float* x, size_t cols, const CodeRows& out);
  /// out = x / sqrt(mean(x²) + eps) · weight; in place is allowed.
  void (*rms_norm)(const float* x, const float* weight, float eps, size_t n, float* out);
  /// out[i] = activation(gate[i]) · up[i]; in place is allowed.
  void (*gate)(Activation activation, const float* gate, const float* up, size_t n, float* out);

  /// Stores one position's key and value of one head.
  void (*store_kv)(uint8_t* block, KvType type, int head_dim, int position, const float* k,
                   const float* v);
  void (*attend)(const AttendBlock& job);
  /// Joins the state of later keys (b) into that of earlier ones (a), both over one query.
  void (*merge)(float* maximum_a, float* sum_a, float* values_a, float maximum_b, float sum_b,
                const float* values_b, int head_dim);

  /// What the roofs are measured with: `steps` rounds of kRoofChains independent int8 products of
  /// 64 codes in registers, and one reading of `bytes` (a multiple of 512) in order. The results
  /// depend on all the work, and mean nothing.
  uint64_t (*dot_steps)(const uint8_t* data, size_t steps);
  /// The same of kRoofChains independent chains of fused multiply-adds of 16 floats.
  uint64_t (*fma_steps)(const uint8_t* data, size_t steps);
  uint64_t (*read_bytes)(const uint8_t* data, size_t bytes);
};

/// Enough to hide the latency of a product on every machine that we know of.
inline constexpr size_t kRoofChains = 12;

/// Bytes of one block of one kv head.
size_t kv_head_bytes(KvType type, int head_dim);
/// What the keys of a q8_0 block have in common, rotated: [head_dim].
float* kv_centre(uint8_t* block, int head_dim);

const Kernels& scalar_kernels();
const Kernels& avx2_kernels();
const Kernels& avxvnni_kernels();
const Kernels& avx512vnni_kernels();
/// The table that serves an ISA level: the best one that needs no more than it.
const Kernels& kernels_for(probe::Isa isa);
/// Every table that this machine can run, the best last, each once: two levels can share one.
std::vector<const Kernels*> runnable_kernels();

}  // namespace handmill::backend
