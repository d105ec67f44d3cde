#version 460
// x += y / rms(y) · weight, or x += y; a workgroup is a row.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
const uint kThreads = 128;
#include "rms.glsl"
layout(local_size_x = kThreads) in;
layout(constant_id = 0) const uint kNormed = 1;
layout(push_constant) uniform Push {
  Floats y, weight, x;
  uint cols;
  float eps;
};

void main() {
  const uint t = gl_LocalInvocationID.x, from = gl_WorkGroupID.x * cols;
  if (kNormed == 0) {
    for (uint c = t; c < cols; c += kThreads) x.v[from + c] += y.v[from + c];
    return;
  }
  precise float squares = 0;
  for (uint c = t; c < cols; c += kThreads) squares = fma(y.v[from + c], y.v[from + c], squares);
  const float scale = inverse_rms(squares, cols, eps);
  for (uint c = t; c < cols; c += kThreads) {
    precise float value = y.v[from + c] * scale * weight.v[c];
    x.v[from + c] += value;
  }
}
