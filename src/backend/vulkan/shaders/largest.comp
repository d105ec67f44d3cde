#version 460
// The kKeep largest values of a row, largest first and equal ones by lower column. A row is cut into
// chunks of kChunk columns. The largest of each chunk are its head, and the largest values are in
// the chunks of the largest heads: a chunk that has one and is not among those would have as many
// larger heads before it. So heads are sorted, 1024 at a time, until one workgroup has what is left
// of a row; it opens their chunks. An entry is a key, which orders values as whole numbers, and a
// column. NaN and +inf are above every number.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
const uint kThreads = 128, kEntries = 1024, kChunk = 16;
const uint kEach = kEntries / kThreads;  // entries of a thread
layout(local_size_x = kThreads) in;
layout(constant_id = 0) const uint kKeep = 64;   // a power of two up to 256
layout(constant_id = 1) const uint kFirst = 1;   // the heads are yet to be found
layout(constant_id = 2) const uint kLast = 1;    // a row is one workgroup
layout(push_constant) uniform Push {
  Words values;             // [rows, cols], floats
  Words2 from;              // [rows, heads], but of the first pass
  Words2 to;                // [rows, workgroups, kKeep]
  uint cols, valid, heads;  // valid: columns that count
};
const uint kBad = 0xffffffff;
const uvec2 kNone = uvec2(0, 0xffffffff);

shared uvec2 entries[kEntries];
shared uint opened[kKeep];  // columns of heads

uint key_of(uint bits) {
  if (bits == 0x7f800000 || (bits & 0x7fffffff) > 0x7f800000) return kBad;
  if (bits == 0x80000000) bits = 0;  // -0
  return (bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000;
}

bool above(uvec2 a, uvec2 b) { return a.x > b.x || (a.x == b.x && a.y < b.y); }

/// The chunk that begins at column `at`; its columns are kEntries apart.
uvec2 head_of(uint row, uint at) {
  uvec2 head = kNone;
  for (uint i = 0; i < kChunk; ++i, at += kEntries) {
    if (at >= valid) break;
    const uint key = key_of(values.v[row * cols + at]);
    if (key > head.x) head = uvec2(key, at);
  }
  return head;
}

/// Blocks of `size` that fall and rise become sorted ones that take turns: the first falls.
void merge(uint size, uint total) {
  for (uint stride = size / 2; stride > 0; stride /= 2) {
    for (uint i = gl_LocalInvocationID.x; i < total / 2; i += kThreads) {
      const uint a = 2 * i - (i & (stride - 1)), b = a + stride;
      const uvec2 x = entries[a], y = entries[b];
      if (above(y, x) == ((a & size) == 0)) {
        entries[a] = y;
        entries[b] = x;
      }
    }
    barrier();
  }
}

/// The largest of all entries become the first kKeep, sorted.
void select_largest() {
  const uint t = gl_LocalInvocationID.x;
  barrier();
  for (uint size = 2; size <= kKeep; size *= 2) merge(size, kEntries);
  // Of two neighbours, one falling and one rising, the larger of each pair are the largest of both
  // (Batcher 1968).
  for (uint total = kEntries / 2; total >= kKeep; total /= 2) {
    uvec2 larger[kEach / 2];
    for (uint j = 0; j < kEach / 2; ++j) {
      const uint i = t + j * kThreads, a = 2 * i - (i & (kKeep - 1));
      if (i >= total) break;
      const uvec2 x = entries[a], y = entries[a + kKeep];
      larger[j] = above(x, y) ? x : y;
    }
    barrier();
    for (uint j = 0; j < kEach / 2; ++j)
      if (t + j * kThreads < total) entries[t + j * kThreads] = larger[j];
    barrier();
    merge(kKeep, total);
  }
}

/// Value `i` of the opened chunks.
uvec2 opened_value(uint row, uint i) {
  const uint head = i / kChunk < kKeep ? opened[i / kChunk] : kNone.y;
  if (head == kNone.y) return kNone;
  const uint run = kEntries * kChunk;
  const uint at = head / run * run + i % kChunk * kEntries + head % kEntries;
  return at < valid ? uvec2(key_of(values.v[row * cols + at]), at) : kNone;
}

void open_chunks(uint row) {
  const uint t = gl_LocalInvocationID.x;
  for (uint i = t; i < kKeep; i += kThreads) {
    opened[i] = entries[i].y;
    entries[i] = kNone;
  }
  // As many as there is room for beside the largest so far.
  for (uint done = 0; done < kKeep * kChunk; done += kEntries - kKeep) {
    barrier();
    for (uint i = t; i < kEntries - kKeep; i += kThreads)
      entries[kKeep + i] = opened_value(row, done + i);
    select_largest();
  }
}

void main() {
  const uint t = gl_LocalInvocationID.x, row = gl_WorkGroupID.y, group = gl_WorkGroupID.x;
  for (uint i = t; i < kEntries; i += kThreads) {
    const uint at = group * kEntries + i;
    if (kFirst != 0)
      entries[i] = head_of(row, group * kEntries * kChunk + i);
    else
      entries[i] = at < heads ? from.v[row * heads + at] : kNone;
  }
  select_largest();
  if (kLast != 0) open_chunks(row);
  const uint first = (row * gl_NumWorkGroups.x + group) * kKeep;
  for (uint i = t; i < kKeep; i += kThreads) to.v[first + i] = entries[i];
}
