#version 460
// Chains of multiply-adds of floats, in registers.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
const uint kChains = 8;
layout(local_size_x = 128) in;
layout(push_constant) uniform Push {
  Words to;
  uint rounds;
  float factor, addend;
};

void main() {
  float sums[kChains];
  [[unroll]] for (uint c = 0; c < kChains; ++c) sums[c] = float(gl_GlobalInvocationID.x + c);
  for (uint i = 0; i < rounds; ++i)
    [[unroll]] for (uint c = 0; c < kChains; ++c) sums[c] = fma(sums[c], factor, addend);
  float all = 0;
  [[unroll]] for (uint c = 0; c < kChains; ++c) all += sums[c];
  if (all == -1.0) to.v[0] = 1;
}
