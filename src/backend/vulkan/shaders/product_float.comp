#version 460
// One panel of float weights ([column][16 rows]) times a few rows of floats, in product.comp's order:
// runs of columns, each ascending, summed ascending.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint kType = 0;  // 0: f32, 1: f16, 2: bf16
layout(constant_id = 1) const uint kRows = 1;
const uint kSegments = 16;

layout(push_constant) uniform Push {
  Words4 panels;
  Floats x;  // [n, cols]
  Floats bias, out_rows;
  uint cols, rows, n, flags;  // as in product.comp
};

shared float parts[kRows * kSegments * 16];

vec4 weights_of(uint index) {  // of four rows at a column
  if (kType == 0) return uintBitsToFloat(panels.v[index]);
  const uvec2 two = Words2(panels).v[index];
  if (kType == 1) return halves(two);
  return uintBitsToFloat(uvec4(two.x << 16, two.x & 0xffff0000u, two.y << 16, two.y & 0xffff0000u));
}

void main() {
  const uint t = gl_LocalInvocationID.x, lane = t % 4, segment = t / 4;
  const uint panel = gl_WorkGroupID.x, first = gl_WorkGroupID.y * kRows;
  const uint each = (cols + kSegments - 1) / kSegments;
  precise vec4 y[kRows];
  for (uint i = 0; i < kRows; ++i) y[i] = vec4(0);
  const uint end = min(cols, (segment + 1) * each);
  for (uint c = segment * each; c < end; ++c) {
    const vec4 w = weights_of((panel * cols + c) * 4 + lane);
    [[unroll]] for (uint i = 0; i < kRows; ++i)
      y[i] = fma(w, vec4(x.v[min(first + i, n - 1) * cols + c]), y[i]);
  }
  for (uint i = 0; i < kRows; ++i)
    for (uint r = 0; r < 4; ++r) parts[(i * kSegments + segment) * 16 + 4 * lane + r] = y[i][r];
  barrier();
  for (uint o = t; o < kRows * 16; o += 64) {
    const uint token = first + o / 16, row = panel * 16 + o % 16;
    if (token >= n || row >= rows) continue;
    precise float total = 0;
    for (uint s = 0; s < kSegments; ++s) total += parts[(o / 16 * kSegments + s) * 16 + o % 16];
    if ((flags & 2) != 0) total += bias.v[row];
    const uint to = token * rows + row;
    if ((flags & 1) != 0) total += out_rows.v[to];
    out_rows.v[to] = total;
  }
}
