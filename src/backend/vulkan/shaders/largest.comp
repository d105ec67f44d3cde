#version 460
// The kKeep largest of each 1024 entries of a row, largest first and equal ones by lower column; a
// row of workgroups is a row. Passes follow until one workgroup has what is left. An entry is a key,
// which orders values as whole numbers, and a column. NaN and +inf are above every number.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
const uint kThreads = 128, kEntries = 1024;
layout(local_size_x = kThreads) in;
layout(constant_id = 0) const uint kKeep = 64;   // a power of two
layout(constant_id = 1) const uint kValues = 1;  // the entries are an array's values
layout(push_constant) uniform Push {
  Words values;   // [rows, cols], floats
  Words2 from;    // [rows, count]
  Words2 to;      // [rows, workgroups, kKeep]
  uint cols, count;
};
const uint kBad = 0xffffffff;
const uvec2 kNone = uvec2(0, 0xffffffff);

shared uvec2 entries[kEntries];

uint key_of(uint bits) {
  if (bits == 0x7f800000 || (bits & 0x7fffffff) > 0x7f800000) return kBad;
  if (bits == 0x80000000) bits = 0;  // -0
  return (bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000;
}

bool above(uvec2 a, uvec2 b) { return a.x > b.x || (a.x == b.x && a.y < b.y); }

void order(uint a, uint b, bool largest_first) {
  const uvec2 x = entries[a], y = entries[b];
  if (above(y, x) != largest_first) return;
  entries[a] = y;
  entries[b] = x;
}

/// Blocks of `size` that rise and fall, or fall and rise, become sorted ones that take turns: the
/// first falls. They start at multiples of `apart`, `total` entries in all.
void merge(uint size, uint apart, uint total) {
  for (uint stride = size / 2; stride > 0; stride /= 2) {
    for (uint i = gl_LocalInvocationID.x; i < total / 2; i += kThreads) {
      const uint block = i / (size / 2), within = i % (size / 2);
      const uint at = block * apart + within / stride * 2 * stride + within % stride;
      order(at, at + stride, block % 2 == 0);
    }
    barrier();
  }
}

void main() {
  const uint t = gl_LocalInvocationID.x, row = gl_WorkGroupID.y;
  const uint first = gl_WorkGroupID.x * kEntries;
  for (uint i = t; i < kEntries; i += kThreads) {
    uvec2 entry = kNone;
    if (first + i < count) {
      const uint at = first + i;
      if (kValues != 0)
        entry = uvec2(key_of(values.v[row * cols + at]), at);
      else
        entry = from.v[row * count + at];
    }
    entries[i] = entry;
  }
  barrier();
  for (uint size = 2; size <= kKeep; size *= 2) merge(size, size, kEntries);
  // Of two neighbours, one falling and one rising, the larger of each pair are the largest of both
  // (Batcher 1968).
  for (uint apart = 2 * kKeep; apart <= kEntries; apart *= 2) {
    const uint total = kEntries / apart * kKeep;
    for (uint i = t; i < total; i += kThreads) {
      const uint at = i / kKeep * apart + i % kKeep;
      if (above(entries[at + apart / 2], entries[at])) entries[at] = entries[at + apart / 2];
    }
    barrier();
    merge(kKeep, apart, total);
  }
  const uint group = row * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  for (uint i = t; i < kKeep; i += kThreads) to.v[group * kKeep + i] = entries[i];
}
