#version 460
// One panel of quantized weights times a few rows of int8 codes. An invocation has four of the 16
// rows and one of kSegments runs of columns; the runs are summed in order. So every output is
//   Σ over runs, ascending, of Σ over groups, ascending: float(Σ value · code) · x_scale · w_scale
//   less w_min · Σ code · x_scale
// whatever the number of rows at once (product_tiled.comp has the same order).
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "dot.glsl"
#include "panel.glsl"
layout(local_size_x = 64) in;
layout(constant_id = 3) const uint kRows = 1;  // rows of codes at once
layout(constant_id = 4) const uint kCodings = 1;
const uint kSegments = 16, kOutputs = kRows / kCodings;

layout(push_constant) uniform Push {
  Words4 panels;
  Words4 codes;   // [n · kCodings, cols / 16]
  Floats scales;  // [.., cols / 32]
  Ints sums16;    // [.., cols / 16]
  Floats bias, out_rows;
  uvec4 table;
  uint cols, panel_bytes, rows, n;
  int offset;
  uint flags;  // 1: add to what is there; 2: there is a bias
};

shared float parts[kRows * kSegments * 16];

void main() {
  const uint t = gl_LocalInvocationID.x, lane = t % 4, segment = t / 4;
  const uint panel = gl_WorkGroupID.x, first = gl_WorkGroupID.y * kOutputs;
  const uint pairs = cols / 64, each = (pairs + kSegments - 1) / kSegments;
  precise vec4 y[kRows];
  for (uint i = 0; i < kRows; ++i) y[i] = vec4(0);
  const uint end = min(pairs, (segment + 1) * each);
  for (uint p = segment * each; p < end; ++p) {
    const Tile tile = tile_of(panel * (panel_bytes / 16), p / 4, cols);
    const uint at = pair_at(tile, p % 4);
    uvec4 w[16];
    [[unroll]] for (uint q = 0; q < 16; ++q) w[q] = quad_of(panels, at, q, lane, table);
    [[unroll]] for (uint i = 0; i < kRows; ++i) {
      const uint row = min(first * kCodings + i, n * kCodings - 1);
      ivec4 dots[kParts];
      [[unroll]] for (uint part = 0; part < kParts; ++part) dots[part] = ivec4(0);
      [[unroll]] for (uint q = 0; q < 16; ++q) {
        const uint x = codes.v[row * (cols / 16) + p * 4 + q / 4][q % 4];
        dots[q * kParts / 16] +=
            ivec4(dot4(w[q].x, x), dot4(w[q].y, x), dot4(w[q].z, x), dot4(w[q].w, x));
      }
      [[unroll]] for (uint part = 0; part < kParts; ++part) {
        const uint sixteenth = row * (cols / 16) + p * 4 + part * 4 / kParts;
        const int sum = sums16.v[sixteenth] + (kSixteen ? 0 : sums16.v[sixteenth + 1]);
        const float x_scale = scales.v[row * (cols / 32) + p * 2 + part * 2 / kParts];
        const uint g = p % 4 * kParts + part;
        const ivec4 dots_of = kMins ? dots[part] : dots[part] - offset * sum;
        precise vec4 scaled = vec4(dots_of) * x_scale;
        y[i] = fma(scaled, scales_of(panels, tile, g, lane), y[i]);
        if (kMins) {
          precise float x_sum = float(sum) * x_scale;
          y[i] = fma(-mins_of(panels, tile, g, lane), vec4(x_sum), y[i]);
        }
      }
    }
  }
  for (uint i = 0; i < kRows; ++i)
    for (uint r = 0; r < 4; ++r) parts[(i * kSegments + segment) * 16 + 4 * lane + r] = y[i][r];
  barrier();
  for (uint o = t; o < kOutputs * 16; o += 64) {
    const uint token = first + o / 16, row = panel * 16 + o % 16;
    if (token >= n || row >= rows) continue;
    precise float total = 0;
    for (uint c = 0; c < kCodings; ++c) {
      precise float sum = 0;
      for (uint s = 0; s < kSegments; ++s)
        sum += parts[((o / 16 * kCodings + c) * kSegments + s) * 16 + o % 16];
      total += sum;
    }
    if ((flags & 2) != 0) total += bias.v[row];
    const uint to = token * rows + row;
    if ((flags & 1) != 0) total += out_rows.v[to];
    out_rows.v[to] = total;
  }
}
