#version 460
// 64 rows of quantized weights times many rows of int8 codes, tile by tile of 64 columns in shared
// memory. An invocation has four rows and kEach rows of codes. The order of every output is that of
// product.comp: groups ascending inside runs of columns, runs ascending.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "dot.glsl"
#include "panel.glsl"
layout(local_size_x = 128) in;
layout(constant_id = 3) const uint kEach = 8;  // 2, 4 or 8
layout(constant_id = 4) const uint kCodings = 1;
const uint kSegments = 16, kTile = 8 * kEach;  // rows of codes of a workgroup

layout(push_constant) uniform Push {  // as in product.comp
  Words4 panels;
  Words4 codes;
  Floats scales;
  Ints sums16;
  Floats bias, out_rows;
  uvec4 table;
  uint cols, panel_bytes, rows, n;
  int offset;
  uint flags;
};

shared uvec4 weights[16 * 16];  // [quad][four rows]
shared vec4 row_scales[kParts * 16], row_mins[kParts * 16];
shared uint inputs[16 * kTile];  // [quad][row of codes]
shared float input_scales[2 * kTile];
shared int input_sums[4 * kTile];

void load_weights(uint p) {
  const uint t = gl_LocalInvocationID.x, panels_of = (rows + 15) / 16;
  for (uint i = t; i < 16 * 16; i += 128) {
    const uint four = i % 16, quad = i / 16;
    const uint panel = min(gl_WorkGroupID.x * 4 + four / 4, panels_of - 1);
    const Tile tile = tile_of(panel * (panel_bytes / 16), p / 4, cols);
    weights[i] = quad_of(panels, pair_at(tile, p % 4), quad, four % 4, table);
    if (quad >= kParts) continue;
    const uint g = p % 4 * kParts + quad;
    row_scales[i] = scales_of(panels, tile, g, four % 4);
    if (kMins) row_mins[i] = mins_of(panels, tile, g, four % 4);
  }
}

void load_inputs(uint p) {
  const uint t = gl_LocalInvocationID.x;
  for (uint i = t; i < 4 * kTile; i += 128) {
    const uint own = i / 4, sixteen = i % 4;
    const uint row = min(gl_WorkGroupID.y * kTile + own, n * kCodings - 1);
    const uvec4 words = codes.v[row * (cols / 16) + p * 4 + sixteen];
    for (uint w = 0; w < 4; ++w) inputs[(sixteen * 4 + w) * kTile + own] = words[w];
    input_sums[sixteen * kTile + own] = sums16.v[row * (cols / 16) + p * 4 + sixteen];
    if (sixteen < 2)
      input_scales[sixteen * kTile + own] = scales.v[row * (cols / 32) + p * 2 + sixteen];
  }
}

void main() {
  const uint t = gl_LocalInvocationID.x, four = t % 16, first = t / 16 * kEach;
  const uint pairs = cols / 64, each = (pairs + kSegments - 1) / kSegments;
  precise vec4 y[kEach], total[kEach];
  [[unroll]] for (uint i = 0; i < kEach; ++i) y[i] = total[i] = vec4(0);
  for (uint p = 0; p < pairs; ++p) {
    barrier();
    load_weights(p);
    load_inputs(p);
    barrier();
    if (p % each == 0)
      [[unroll]] for (uint i = 0; i < kEach; ++i) {
        total[i] += y[i];
        y[i] = vec4(0);
      }
    for (uint part = 0; part < kParts; ++part) {
      ivec4 dots[kEach];
      [[unroll]] for (uint i = 0; i < kEach; ++i) dots[i] = ivec4(0);
      [[unroll]] for (uint q = 0; q < 16 / kParts; ++q) {
        const uint quad = part * (16 / kParts) + q;
        const uvec4 w = weights[quad * 16 + four];
        [[unroll]] for (uint i = 0; i < kEach; ++i) {
          const uint x = inputs[quad * kTile + first + i];
          dots[i] += ivec4(dot4(w.x, x), dot4(w.y, x), dot4(w.z, x), dot4(w.w, x));
        }
      }
      const vec4 w_scale = row_scales[part * 16 + four];
      [[unroll]] for (uint i = 0; i < kEach; ++i) {
        const uint own = first + i, sixteen = part * 4 / kParts;
        const int sum = input_sums[sixteen * kTile + own] +
                        (kSixteen ? 0 : input_sums[(sixteen + 1) * kTile + own]);
        const float x_scale = input_scales[part * 2 / kParts * kTile + own];
        const ivec4 dots_of = kMins ? dots[i] : dots[i] - offset * sum;
        precise vec4 scaled = vec4(dots_of) * x_scale;
        y[i] = fma(scaled, w_scale, y[i]);
        if (kMins) {
          precise float x_sum = float(sum) * x_scale;
          y[i] = fma(-row_mins[part * 16 + four], vec4(x_sum), y[i]);
        }
      }
    }
  }
  [[unroll]] for (uint i = 0; i < kEach; ++i) total[i] += y[i];
  [[unroll]] for (uint i = 0; i < kEach; i += kCodings) {
    const uint token = (gl_WorkGroupID.y * kTile + first + i) / kCodings;
    if (token >= n) continue;
    [[unroll]] for (uint r = 0; r < 4; ++r) {
      const uint row = gl_WorkGroupID.x * 64 + 4 * four + r;
      if (row >= rows) continue;
      precise float value = total[i][r];
      if (kCodings == 2) value += total[i + kCodings - 1][r];
      if ((flags & 2) != 0) value += bias.v[row];
      const uint to = token * rows + row;
      if ((flags & 1) != 0) value += out_rows.v[to];
      out_rows.v[to] = value;
    }
  }
}
