#version 460
// Norms and rotates one head of one row: of the queries in place, of the keys into the store, with
// the value beside it. A workgroup is (row, head), the kv heads after the query heads.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "kv.glsl"
const uint kThreads = 64;
#include "rms.glsl"
layout(local_size_x = kThreads) in;

layout(push_constant) uniform Push {
  Floats q, k, v;
  Floats angles;      // [n, rope_dims], pairs (cos, sin)
  Floats q_norm, k_norm;
  Floats k_centre;    // [64, kv_heads · dim]
  Ints rows;          // [n, 2]: position, block
  Words store;        // of this layer
  uint heads, kv_heads, rope_dims, head_words;
  float scale, eps;
  uint flags;  // 1: neighbours, 2: q norm, 4: k norm, 8: centred keys
};

shared float head_of[256];
shared float largest_of[kThreads];

void rotate(uint row) {
  const uint half_of = rope_dims / 2;
  for (uint i = gl_LocalInvocationID.x; i < half_of; i += kThreads) {
    const uint first = (flags & 1) != 0 ? 2 * i : i;
    const uint second = (flags & 1) != 0 ? 2 * i + 1 : i + half_of;
    const float c = angles.v[row * rope_dims + 2 * i], s = angles.v[row * rope_dims + 2 * i + 1];
    const float a = head_of[first], b = head_of[second];
    precise float turned = a * c - b * s, other = a * s + b * c;
    head_of[first] = turned;
    head_of[second] = other;
  }
  barrier();
}

/// Times a Hadamard matrix: spreads large dimensions over all, where one scale serves them better.
void spread() {
  const uint dims = kDim & (~kDim + 1);
  for (uint half_of = 1; half_of < dims; half_of *= 2) {
    for (uint i = gl_LocalInvocationID.x; i < kDim / 2; i += kThreads) {
      const uint at = i / half_of * 2 * half_of + i % half_of;
      const float a = head_of[at], b = head_of[at + half_of];
      head_of[at] = a + b;
      head_of[at + half_of] = a - b;
    }
    barrier();
  }
}

void norm(Floats weight) {
  precise float squares = 0;
  for (uint d = gl_LocalInvocationID.x; d < kDim; d += kThreads)
    squares = fma(head_of[d], head_of[d], squares);
  const float scale_of = inverse_rms(squares, kDim, eps);
  for (uint d = gl_LocalInvocationID.x; d < kDim; d += kThreads) {
    precise float value = head_of[d] * scale_of * weight.v[d];
    head_of[d] = value;
  }
  barrier();
}

uint word_of(vec4 codes) {
  const ivec4 c = ivec4(clamp(roundEven(codes), -127.0, 127.0));
  return uint(c.x & 0xff) | uint(c.y & 0xff) << 8 | uint(c.z & 0xff) << 16 | uint(c.w & 0xff) << 24;
}
vec4 four(uint d) { return vec4(head_of[d], head_of[d + 1], head_of[d + 2], head_of[d + 3]); }

/// The head's groups of 32 as codes: their scales stay in largest_of, as halves hold them.
void find_scales() {
  const uint t = gl_LocalInvocationID.x;
  if (t < kScaleWords * 2) {
    float largest = 0;
    for (uint d = t * 32; d < min(t * 32 + 32, kDim); ++d) largest = max(largest, abs(head_of[d]));
    const float rounded = unpackHalf2x16(packHalf2x16(vec2(min(largest / 127.0, 65504.0), 0))).x;
    largest_of[t] = rounded;
  }
  barrier();
}
vec4 codes_of(uint d) {
  const float scale_of = largest_of[d / 32];
  return scale_of > 0 ? four(d) / scale_of : vec4(0);
}
uint scales_of(uint i) { return packHalf2x16(vec2(largest_of[2 * i], largest_of[2 * i + 1])); }

void store_key(uint base, uint place) {
  const uint t = gl_LocalInvocationID.x;
  if (kCoded == 0) {
    for (uint i = t; i < kDim / 2; i += kThreads)
      store.v[base + (i / 4 * kBlock + place) * 4 + i % 4] =
          packHalf2x16(vec2(head_of[2 * i], head_of[2 * i + 1]));
    return;
  }
  find_scales();
  for (uint i = t; i < kDim / 4; i += kThreads)
    store.v[base + (i / 4 * kBlock + place) * 4 + i % 4] = word_of(codes_of(4 * i));
  if (t < kScaleWords) store.v[base + kKeyScales + t * kBlock + place] = scales_of(t);
  barrier();
}

void store_value(uint base, uint place) {
  const uint t = gl_LocalInvocationID.x;
  if (kCoded == 0) {
    for (uint i = t; i < kDim / 2; i += kThreads)
      store.v[base + kValues + place * (kDim / 2) + i] =
          packHalf2x16(vec2(head_of[2 * i], head_of[2 * i + 1]));
    return;
  }
  find_scales();
  for (uint i = t; i < kDim / 4; i += kThreads)
    store.v[base + kValues + place * (kDim / 4) + i] = word_of(codes_of(4 * i));
  if (t < kScaleWords) store.v[base + kValueScales + place * kScaleWords + t] = scales_of(t);
}

void load_head(Floats from, uint at) {
  for (uint d = gl_LocalInvocationID.x; d < kDim; d += kThreads) head_of[d] = from.v[at + d];
  barrier();
}

void main() {
  const uint t = gl_LocalInvocationID.x, row = gl_WorkGroupID.x, head = gl_WorkGroupID.y;
  if (head < heads) {
    const uint at = (row * heads + head) * kDim;
    load_head(q, at);
    if ((flags & 2) != 0) norm(q_norm);
    rotate(row);
    if (kCoded != 0) spread();
    for (uint d = t; d < kDim; d += kThreads) q.v[at + d] = head_of[d] * scale;
    return;
  }
  const uint kv_head = head - heads, at = (row * kv_heads + kv_head) * kDim;
  const uint position = uint(rows.v[2 * row]), block = uint(rows.v[2 * row + 1]);
  const uint place = position % kBlock;
  const uint base = (block * kv_heads + kv_head) * head_words;
  if (kCoded != 0 && place == 0) {
    if ((flags & 8) != 0) {
      load_head(k_centre, kv_head * kDim);
      rotate(row);
      spread();
    }
    for (uint d = t; d < kDim; d += kThreads)
      store.v[base + kCentre + d] = (flags & 8) != 0 ? floatBitsToUint(head_of[d]) : 0;
    barrier();
  }
  load_head(k, at);
  if (kCoded != 0 && (flags & 8) != 0) {
    for (uint d = t; d < kDim; d += kThreads)
      head_of[d] -= k_centre.v[(place * kv_heads + kv_head) * kDim + d];
    barrier();
  }
  if ((flags & 4) != 0) norm(k_norm);
  rotate(row);
  if (kCoded != 0) spread();
  store_key(base, place);
  barrier();
  load_head(v, at);
  store_value(base, place);
}
