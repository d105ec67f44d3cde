#version 460
// Reads a buffer once: workgroups take turns at its parts, and every invocation has eight loads on
// their way before it looks at one.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
const uint kThreads = 128, kLoads = 8;
layout(local_size_x = kThreads) in;
layout(push_constant) uniform Push {
  Words4 from;
  Words to;
  uint parts;  // of kThreads · kLoads · 16 bytes
};

void main() {
  uvec4 sum = uvec4(0);
  for (uint part = gl_WorkGroupID.x; part < parts; part += gl_NumWorkGroups.x) {
    const uint first = part * kThreads * kLoads + gl_LocalInvocationID.x;
    uvec4 loaded[kLoads];
    [[unroll]] for (uint i = 0; i < kLoads; ++i) loaded[i] = from.v[first + i * kThreads];
    [[unroll]] for (uint i = 0; i < kLoads; ++i) sum ^= loaded[i];
  }
  // No compiler can know that this does not happen.
  if ((sum.x ^ sum.y ^ sum.z ^ sum.w) == 0x9e3779b9u) to.v[0] = sum.x;
}
