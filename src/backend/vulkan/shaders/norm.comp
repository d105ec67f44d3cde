#version 460
// out[i] = x[row i] / rms · weight, as inputs of products; a workgroup is a row.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "inputs.glsl"
const uint kThreads = 128;
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
  for (uint group = t; group < padded / 32; group += kThreads) {
    float values[32];
    for (uint i = 0; i < 32; ++i) {
      const uint c = group * 32 + i;
      precise float value = c < cols ? x.v[from + c] * scale * weight.v[c] : 0.0;
      values[i] = value;
    }
    store_group(to, flags, row, cols, padded, group, values);
  }
}
