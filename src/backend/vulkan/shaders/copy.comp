#version 460
// Words from one place to another, or zeros.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint kFill = 0;
layout(push_constant) uniform Push {
  Words from, to;
  uint count;
};

void main() {
  const uint step_of = gl_NumWorkGroups.x * 64;
  for (uint i = gl_GlobalInvocationID.x; i < count; i += step_of) to.v[i] = kFill != 0 ? 0 : from.v[i];
}
