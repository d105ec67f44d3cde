// Inputs of products as rows of int8 codes, of floats, or both. A group is 32 columns: eight words of
// codes, a scale and the sums of its two halves. Fine inputs have a second row of codes after each,
// for what the rounding of the first left. The same rounding as the processor's (kernels/rows.inl).
// Include after kThreads.
const uint kCodes = 1, kFine = 2, kFloats = 4;

struct Inputs {
  Words codes;    // [rows, padded / 4]
  Floats scales;  // [rows, padded / 32]
  Ints sums16;    // [rows, padded / 16]
  Floats floats;  // [rows, cols]
};

/// A scale with at most 16 significant bits, not below largest / 127.
float code_scale(float largest) {
  return uintBitsToFloat((floatBitsToUint(largest / 127.0) + 0xffu) & ~0xffu);
}

// Eight invocations side by side have a group, four columns each, so that neighbours read and write
// side by side.
const uint kGroupLanes = 8;
shared float lane_largest[kThreads];
shared int lane_sums[kThreads];

/// All of a workgroup call it together; `live` ones have a group. `four` becomes what rounding left.
void store_codes(Inputs to, bool live, uint row, uint padded, uint group, inout vec4 four) {
  const uint t = gl_LocalInvocationID.x, lane = t % kGroupLanes, first = t - lane;
  const vec4 sizes = abs(four);
  lane_largest[t] = max(max(sizes.x, sizes.y), max(sizes.z, sizes.w));
  barrier();
  float largest = 0;
  for (uint i = 0; i < kGroupLanes; ++i) largest = max(largest, lane_largest[first + i]);
  const float scale = largest > 1e-30 ? code_scale(largest) : 0.0;
  const float inverse = scale > 0 ? 1.0 / scale : 0.0;
  const ivec4 codes = ivec4(clamp(roundEven(four * inverse), -127.0, 127.0));
  lane_sums[t] = codes.x + codes.y + codes.z + codes.w;
  barrier();
  precise vec4 coded = vec4(codes) * scale;
  precise vec4 rest = four - coded;
  four = rest;
  if (live) {
    const uvec4 bytes = uvec4(codes) & 0xffu;
    to.codes.v[row * (padded / 4) + group * 8 + lane] =
        bytes.x | bytes.y << 8 | bytes.z << 16 | bytes.w << 24;
    if (lane == 0) to.scales.v[row * (padded / 32) + group] = scale;
    if (lane % 4 == 0)
      to.sums16.v[row * (padded / 16) + 2 * group + lane / 4] =
          lane_sums[t] + lane_sums[t + 1] + lane_sums[t + 2] + lane_sums[t + 3];
  }
  barrier();
}

/// Stores one group of a row, of which this invocation has columns 4 · lane …; those past `cols` are
/// zero. All of a workgroup call it together.
void store_group(Inputs to, uint flags, bool live, uint row, uint cols, uint padded, uint group,
                 vec4 four) {
  const uint first = group * 32 + gl_LocalInvocationID.x % kGroupLanes * 4;
  if ((flags & kFloats) != 0 && live)
    for (uint i = 0; i < 4 && first + i < cols; ++i) to.floats.v[row * cols + first + i] = four[i];
  if ((flags & kCodes) == 0) return;
  if ((flags & kFine) == 0) {
    store_codes(to, live, row, padded, group, four);
  } else {
    store_codes(to, live, 2 * row, padded, group, four);
    store_codes(to, live, 2 * row + 1, padded, group, four);
  }
}
