#version 460
// Chains of int8 dot products with their sums, in registers: each needs the result of the one before it
// in its chain alone.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "dot.glsl"
const uint kChains = 8;
layout(local_size_x = 128) in;
layout(push_constant) uniform Push {
  Words to;
  uint rounds;
  uint factor;
};

void main() {
  int sums[kChains];
  [[unroll]] for (uint c = 0; c < kChains; ++c) sums[c] = int(gl_GlobalInvocationID.x * (c + 1));
  for (uint i = 0; i < rounds; ++i)
    [[unroll]] for (uint c = 0; c < kChains; ++c) sums[c] += dot4(uint(sums[c]), factor);
  int all = 0;
  [[unroll]] for (uint c = 0; c < kChains; ++c) all ^= sums[c];
  if (all == 0x1e3779b9) to.v[0] = uint(all);
}
