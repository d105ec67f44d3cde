#version 460
// Joins the partial results of one row and head over its chunks, in ascending order (attend.comp).
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
const uint kThreads = 64;
#include "inputs.glsl"
#include "softmax.glsl"
layout(local_size_x = kThreads) in;
layout(push_constant) uniform Push {
  Ints joins;  // [.., 3]: row, its first slot, chunks
  Floats partials, result;
  Inputs to;  // as in attend.comp
  uint heads, dim, padded, flags;
};

shared float head_of[256];

void main() {
  const uint join_of = gl_WorkGroupID.x * 3, head = gl_WorkGroupID.y;
  const uint row = uint(joins.v[join_of]), chunks = uint(joins.v[join_of + 2]);
  const uint slot = uint(joins.v[join_of + 1]) + head * chunks;
  for (uint d = gl_LocalInvocationID.x; d < dim; d += kThreads) {
    precise float top = kNone, sum = 0, value = 0;
    for (uint chunk = 0; chunk < chunks; ++chunk) {
      const uint at = (slot + chunk) * (dim + 2);
      float next;
      const vec2 weights = join_weights(top, partials.v[at], next);
      precise float later_sum = partials.v[at + 1] * weights.y;
      precise float later = partials.v[at + 2 + d] * weights.y;
      top = next;
      sum = fma(sum, weights.x, later_sum);
      value = fma(value, weights.x, later);
    }
    if (dim % 32 == 0) {
      head_of[d] = value / sum;
    } else {
      result.v[(row * heads + head) * dim + d] = value / sum;
    }
  }
  if (dim % 32 != 0) return;
  barrier();
  const uint t = gl_LocalInvocationID.x, group = t / kGroupLanes;
  const uint at = 4 * t;  // eight groups are the most that a head has
  store_group(to, flags, group < dim / 32, row, heads * dim, padded, head * (dim / 32) + group,
              vec4(head_of[at], head_of[at + 1], head_of[at + 2], head_of[at + 3]));
}
