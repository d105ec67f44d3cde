#version 460
// Rows of floats as inputs of products; gated ones are activation(a) · b. An invocation is a group.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "inputs.glsl"
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint kGate = 0;  // 1: SiLU, 2: GELU by tanh
layout(push_constant) uniform Push {
  Floats a, b;
  Inputs to;
  uint rows, cols, padded, flags;
};

float gated(float g, float up) {
  precise float z = -g;
  if (kGate == 2) z *= fma(g * g, 0.044715, 1.0) * (2.0 * 0.7978845608028654);
  // e^88 is the largest that a float holds.
  precise float value = g / (1.0 + exp(min(z, 88.0))) * up;
  return value;
}

void main() {
  const uint groups = padded / 32, all = rows * groups;
  // A device need not run more than 65,535 workgroups at once.
  for (uint at = gl_GlobalInvocationID.x; at < all; at += gl_NumWorkGroups.x * 64) {
    const uint row = at / groups, group = at % groups;
    float values[32];
    for (uint i = 0; i < 32; ++i) {
      const uint c = group * 32 + i, from = row * cols + c;
      values[i] = c >= cols ? 0.0 : kGate == 0 ? a.v[from] : gated(a.v[from], b.v[from]);
    }
    store_group(to, flags, row, cols, padded, group, values);
  }
}
