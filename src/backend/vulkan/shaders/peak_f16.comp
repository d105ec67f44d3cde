#version 460
// Chains of multiply-adds of pairs of halves, in registers. Only for devices that have such arithmetic.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#include "common.glsl"
const uint kChains = 8;
layout(local_size_x = 128) in;
layout(push_constant) uniform Push {
  Words to;
  uint rounds;
  float factor, addend;
};

void main() {
  const f16vec2 times = f16vec2(factor), plus = f16vec2(addend);
  f16vec2 sums[kChains];
  [[unroll]] for (uint c = 0; c < kChains; ++c)
    sums[c] = f16vec2(gl_LocalInvocationID.x, gl_LocalInvocationID.x + c);
  for (uint i = 0; i < rounds; ++i)
    [[unroll]] for (uint c = 0; c < kChains; ++c) sums[c] = fma(sums[c], times, plus);
  f16vec2 all = f16vec2(0);
  [[unroll]] for (uint c = 0; c < kChains; ++c) all += sums[c];
  if (all.x + all.y == float16_t(-1)) to.v[0] = 1;
}
