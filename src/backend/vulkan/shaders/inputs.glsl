// Inputs of products as rows of int8 codes, of floats, or both. A group is 32 columns: eight words of
// codes, a scale and the sums of its two halves. Fine inputs have a second row of codes after each,
// for what the rounding of the first left. The same rounding as the processor's (kernels/rows.inl).
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

void store_codes(Inputs to, uint row, uint padded, uint group, inout float values[32]) {
  float largest = 0;
  for (uint i = 0; i < 32; ++i) largest = max(largest, abs(values[i]));
  const float scale = largest > 1e-30 ? code_scale(largest) : 0.0;
  const float inverse = scale > 0 ? 1.0 / scale : 0.0;
  int sums[2] = {0, 0};
  const uint base = row * (padded / 4) + group * 8;
  for (uint w = 0; w < 8; ++w) {
    uint word = 0;
    for (uint i = 0; i < 4; ++i) {
      const int code = int(clamp(roundEven(values[4 * w + i] * inverse), -127.0, 127.0));
      sums[w / 4] += code;
      word |= (uint(code) & 0xffu) << (8 * i);
      values[4 * w + i] -= float(code) * scale;
    }
    to.codes.v[base + w] = word;
  }
  to.scales.v[row * (padded / 32) + group] = scale;
  to.sums16.v[row * (padded / 16) + 2 * group] = sums[0];
  to.sums16.v[row * (padded / 16) + 2 * group + 1] = sums[1];
}

/// Stores one group; `values` past `cols` are zero and change.
void store_group(Inputs to, uint flags, uint row, uint cols, uint padded, uint group,
                 inout float values[32]) {
  if ((flags & kFloats) != 0)
    for (uint i = 0; i < 32 && group * 32 + i < cols; ++i)
      to.floats.v[row * cols + group * 32 + i] = values[i];
  if ((flags & kCodes) == 0) return;
  if ((flags & kFine) == 0) {
    store_codes(to, row, padded, group, values);
  } else {
    store_codes(to, 2 * row, padded, group, values);
    store_codes(to, 2 * row + 1, padded, group, values);
  }
}
