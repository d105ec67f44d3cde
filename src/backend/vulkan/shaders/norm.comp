#version 460
// out[i] = x[row i] / rms · weight, as inputs of products; a workgroup is a row.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
const uint kThreads = 128;
#include "inputs.glsl"
#include "rms.glsl"
layout(local_size_x = kThreads) in;
layout(push_constant) uniform Push {
  Floats x, weight;
  Ints rows;  // [n], where selected
  Inputs to;
  uint cols, padded, flags, selected;
  float eps;
};

void main() {
  const uint t = gl_LocalInvocationID.x, row = gl_WorkGroupID.x;
  const uint from = (selected != 0 ? uint(rows.v[row]) : row) * cols;
  precise float squares = 0;
  for (uint c = t; c < cols; c += kThreads) squares = fma(x.v[from + c], x.v[from + c], squares);
  const float scale = inverse_rms(squares, cols, eps);
  const uint groups = padded / 32;
  for (uint base = 0; base < groups; base += kThreads / kGroupLanes) {
    const uint group = base + t / kGroupLanes, first = group * 32 + t % kGroupLanes * 4;
    precise vec4 four = vec4(0);
    for (uint i = 0; i < 4; ++i)
      if (first + i < cols) four[i] = x.v[from + first + i] * scale * weight.v[first + i];
    store_group(to, flags, group < groups, row, cols, padded, group, four);
  }
}
