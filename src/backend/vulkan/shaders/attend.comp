#version 460
// Queries against the keys and values of one kv head. Keys are reduced in blocks of 64 inside chunks
// of kChunk blocks, and chunks are joined in ascending order, here or in join.comp: a query's bits do
// not depend on how many workgroups shared its keys, nor on the queries beside it.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
const uint kThreads = 64;
#include "inputs.glsl"
#include "kv.glsl"
#include "softmax.glsl"
layout(local_size_x = kThreads) in;
layout(constant_id = 2) const uint kQueries = 8;  // at most, of one workgroup
layout(constant_id = 3) const uint kChunk = 4;
const uint kPairs = (kDim / 2 + 63) / 64;  // of dimensions, that an invocation sums

struct Task {
  uint row, tokens, position, table;   // first row, its tokens, its position, where its blocks are
  uint begin, end;                     // chunks
  uint slot, chunks;                   // of partial results; chunks 0: the whole range is here
};
layout(buffer_reference, std430, buffer_reference_align = 16) buffer Tasks { Task v[]; };

layout(push_constant) uniform Push {
  Floats4 q;      // [n, heads · dim]
  Tasks tasks;
  Ints tables;
  Words store;    // of this layer
  Floats result;  // [n, heads · dim], or partial results [slot][2 + dim]
  Inputs to;      // of the next product, where heads are whole groups of 32
  uint heads, kv_heads, head_words, window, tiles, centred, padded, flags;
};

shared vec4 queries[kQueries * kDim / 4];
shared float scores[kQueries * 64];
shared float tops[64];  // [query][64 / kQueries]
shared float centres[64];

const uint kShare = 64 / kQueries;  // invocations for each query

/// The scores of this invocation's key.
void score(uint base, uint rows, out float s[kQueries]) {
  const uint key = gl_LocalInvocationID.x;
  Words4 keys = Words4(store);
  precise float sums[kQueries];
  [[unroll]] for (uint r = 0; r < kQueries; ++r) sums[r] = centred != 0 ? centres[r * kShare] : 0.0;
  if (kCoded == 0) {
    for (uint i = 0; i < kDim / 8; ++i) {
      const uvec4 words = keys.v[base / 4 + i * kBlock + key];
      const vec4 a = halves(words.xy), b = halves(words.zw);
      [[unroll]] for (uint r = 0; r < kQueries; ++r) {
        const vec4 x = queries[r * (kDim / 4) + 2 * i], y = queries[r * (kDim / 4) + 2 * i + 1];
        [[unroll]] for (uint c = 0; c < 4; ++c) sums[r] = fma(x[c], a[c], sums[r]);
        [[unroll]] for (uint c = 0; c < 4; ++c) sums[r] = fma(y[c], b[c], sums[r]);
      }
    }
  } else {
    for (uint group = 0; group < kDim / 32; ++group) {
      precise float parts[kQueries];
      [[unroll]] for (uint r = 0; r < kQueries; ++r) parts[r] = 0;
      for (uint i = 2 * group; i < 2 * group + 2; ++i) {
        const uvec4 words = keys.v[base / 4 + i * kBlock + key];
        [[unroll]] for (uint w = 0; w < 4; ++w) {
          const vec4 codes = vec4(bytes_of(words[w]));
          [[unroll]] for (uint r = 0; r < kQueries; ++r) {
            const vec4 x = queries[r * (kDim / 4) + 4 * i + w];
            [[unroll]] for (uint c = 0; c < 4; ++c) parts[r] = fma(x[c], codes[c], parts[r]);
          }
        }
      }
      const float scale_of =
          unpackHalf2x16(store.v[base + kKeyScales + group / 2 * kBlock + key])[group % 2];
      [[unroll]] for (uint r = 0; r < kQueries; ++r) sums[r] = fma(parts[r], scale_of, sums[r]);
    }
  }
  [[unroll]] for (uint r = 0; r < kQueries; ++r) s[r] = sums[r];
}

/// Each query's product with what the block's keys have in common, in centres[query · kShare].
void score_centre(uint base) {
  const uint t = gl_LocalInvocationID.x, r = t / kShare, part = t % kShare;
  precise float sum = 0;
  for (uint i = part; i < kDim / 4; i += kShare) {
    const vec4 x = queries[r * (kDim / 4) + i];
    for (uint c = 0; c < 4; ++c)
      sum = fma(x[c], uintBitsToFloat(store.v[base + kCentre + 4 * i + c]), sum);
  }
  centres[t] = sum;
  barrier();
  if (part == 0)
    for (uint p = 1; p < kShare; ++p) sum += centres[t + p];
  barrier();
  if (part == 0) centres[t] = sum;
  barrier();
}

vec2 value_of(uint base, uint key, uint pair) {
  if (kCoded == 0) return unpackHalf2x16(store.v[base + kValues + key * (kDim / 2) + pair]);
  const ivec4 codes = bytes_of(store.v[base + kValues + key * (kDim / 4) + pair / 2]);
  const vec2 two = vec2(pair % 2 != 0 ? codes.zw : codes.xy);
  const uint word = store.v[base + kValueScales + key * kScaleWords + pair / 32];
  return two * unpackHalf2x16(word)[pair / 16 % 2];
}

void main() {
  const uint t = gl_LocalInvocationID.x;
  const Task task = tasks.v[gl_WorkGroupID.x];
  const uint head = gl_WorkGroupID.y / tiles, tile = gl_WorkGroupID.y % tiles;
  const uint group = heads / kv_heads, all = task.tokens * group;
  if (tile * kQueries >= all) return;
  const uint rows = min(kQueries, all - tile * kQueries);

  // Row r is query head (first + r) % group of token (first + r) / group; those past the end are 0.
  const uint first = tile * kQueries;
  for (uint i = t; i < kQueries * kDim / 4; i += 64) {
    const uint r = i / (kDim / 4), token = (first + r) / group;
    const uint query_head = head * group + (first + r) % group;
    queries[i] = r < rows ? q.v[((task.row + token) * heads + query_head) * (kDim / 4) + i % (kDim / 4)]
                          : vec4(0);
  }
  barrier();

  precise float total_top[kQueries], total_sum[kQueries];
  precise vec2 total[kQueries][kPairs];
  [[unroll]] for (uint r = 0; r < kQueries; ++r) {
    total_top[r] = kNone;
    total_sum[r] = 0;
    [[unroll]] for (uint p = 0; p < kPairs; ++p) total[r][p] = vec2(0);
  }
  const uint last = task.position + (first + rows - 1) / group;
  const uint lowest_of = task.position + first / group;
  const uint first_block = window > 0 && lowest_of + 1 > window ? (lowest_of + 1 - window) / kBlock : 0;
  for (uint chunk = task.begin; chunk < task.end; ++chunk) {
    precise float top[kQueries], sum[kQueries];
    precise vec2 values[kQueries][kPairs];
    [[unroll]] for (uint r = 0; r < kQueries; ++r) {
      top[r] = kNone;
      sum[r] = 0;
      [[unroll]] for (uint p = 0; p < kPairs; ++p) values[r][p] = vec2(0);
    }
    const uint end = min((chunk + 1) * kChunk, last / kBlock + 1);
    for (uint block = max(chunk * kChunk, first_block); block < end; ++block) {
      const uint base = (uint(tables.v[task.table + block]) * kv_heads + head) * head_words;
      if (centred != 0) score_centre(base);
      float s[kQueries];
      score(base, rows, s);
      const uint key = block * kBlock + t;
      [[unroll]] for (uint r = 0; r < kQueries; ++r) {
        const uint position = task.position + (first + r) / group;
        const bool seen = r < rows && key <= position && (window == 0 || key + window > position);
        scores[r * 64 + t] = s[r] = seen ? s[r] : kNone;
      }
      barrier();
      float most = kNone;
      for (uint i = 0; i < kQueries; ++i)
        most = max(most, scores[t / kShare * 64 + t % kShare * kQueries + i]);
      tops[t] = most;
      barrier();
      float ratios[kQueries];
      [[unroll]] for (uint r = 0; r < kQueries; ++r) {
        float next = top[r];
        for (uint i = 0; i < kShare; ++i) next = max(next, tops[r * kShare + i]);
        ratios[r] = top[r] <= kNone ? 0.0 : exp(top[r] - next);
        top[r] = next;
        scores[r * 64 + t] = s[r] <= kNone ? 0.0 : exp(s[r] - next);
      }
      barrier();
      [[unroll]] for (uint r = 0; r < kQueries; ++r) {
        sum[r] *= ratios[r];
        [[unroll]] for (uint p = 0; p < kPairs; ++p) values[r][p] *= ratios[r];
      }
      // What lies past the last position was never written.
      const uint keys = min(kBlock, last - block * kBlock + 1);
      for (uint j = 0; j < keys; ++j) {
        vec2 v[kPairs];
        [[unroll]] for (uint p = 0; p < kPairs; ++p)
          v[p] = t + 64 * p < kDim / 2 ? value_of(base, j, t + 64 * p) : vec2(0);
        [[unroll]] for (uint r = 0; r < kQueries; ++r) {
          const float w = scores[r * 64 + j];
          if (w == 0) continue;  // a query may not see this key: 0 · ∞ is not a number
          sum[r] += w;
          [[unroll]] for (uint p = 0; p < kPairs; ++p)
            values[r][p] = fma(vec2(w), v[p], values[r][p]);
        }
      }
      barrier();
    }
    [[unroll]] for (uint r = 0; r < kQueries; ++r) {
      float next;
      const vec2 weights = join_weights(total_top[r], top[r], next);
      precise float later_sum = sum[r] * weights.y;
      total_top[r] = next;
      total_sum[r] = fma(total_sum[r], weights.x, later_sum);
      [[unroll]] for (uint p = 0; p < kPairs; ++p) {
        precise vec2 later = values[r][p] * weights.y;
        total[r][p] = fma(total[r][p], vec2(weights.x), later);
      }
    }
  }
  [[unroll]] for (uint r = 0; r < kQueries; ++r) {
    if (r >= rows) continue;
    const uint token = (first + r) / group, query_head = head * group + (first + r) % group;
    const uint slot = task.slot + (token * heads + query_head) * task.chunks;
    if (task.chunks != 0 && t == 0) {
      result.v[slot * (kDim + 2)] = total_top[r];
      result.v[slot * (kDim + 2) + 1] = total_sum[r];
    }
    const uint to_at = task.chunks != 0 ? slot * (kDim + 2) + 2
                                     : ((task.row + token) * heads + query_head) * kDim;
    [[unroll]] for (uint p = 0; p < kPairs; ++p) {
      const uint pair = t + 64 * p;
      if (pair >= kDim / 2) continue;
      const vec2 value = task.chunks != 0 ? total[r][p] : total[r][p] / total_sum[r];
      if (task.chunks == 0 && kDim % 32 == 0) {
        queries[(r * kDim + 2 * pair) / 4][2 * pair % 4] = value.x;
        queries[(r * kDim + 2 * pair) / 4][2 * pair % 4 + 1] = value.y;
      } else {
        result.v[to_at + 2 * pair] = value.x;
        result.v[to_at + 2 * pair + 1] = value.y;
      }
    }
  }
  if (task.chunks != 0 || kDim % 32 != 0) return;
  barrier();
  const uint groups = rows * (kDim / 32);
  for (uint base = 0; base < groups; base += kThreads / kGroupLanes) {
    const uint g = min(base + t / kGroupLanes, groups - 1), r = g / (kDim / 32);
    const uint token = (first + r) / group, query_head = head * group + (first + r) % group;
    store_group(to, flags, base + t / kGroupLanes < groups, task.row + token, heads * kDim, padded,
                query_head * (kDim / 32) + g % (kDim / 32),
                queries[g * kGroupLanes + t % kGroupLanes]);
  }
}
