#version 460
// Rows of floats as inputs of products; gated ones are activation(a) · b.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
const uint kThreads = 64;
#include "inputs.glsl"
layout(local_size_x = kThreads) in;
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
  const uint groups = padded / 32, all = rows * groups, t = gl_LocalInvocationID.x;
  const uint at_once = kThreads / kGroupLanes;
  // A device need not run more than 65,535 workgroups at once.
  for (uint base = gl_WorkGroupID.x * at_once; base < all; base += gl_NumWorkGroups.x * at_once) {
    const uint at = base + t / kGroupLanes, row = at / groups, group = at % groups;
    const uint first = group * 32 + t % kGroupLanes * 4, from = row * cols + first;
    vec4 four = vec4(0);
    for (uint i = 0; i < 4; ++i)
      if (at < all && first + i < cols)
        four[i] = kGate == 0 ? a.v[from + i] : gated(a.v[from + i], b.v[from + i]);
    store_group(to, flags, at < all, row, cols, padded, group, four);
  }
}
