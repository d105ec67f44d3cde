// Weights as panels of 16 rows (backend/panel.h): what an invocation reads of them, four rows at a
// time, as signed bytes of four columns, and the scales and mins of those rows.
layout(constant_id = 0) const uint kBits = 4;    // 2, 3, 4, 5, 6 or 8
layout(constant_id = 1) const uint kScales = 0;  // as below
layout(constant_id = 2) const uint kTable = 0;   // 1: codes are looked up

const uint kHalf = 0, kHalfMin = 1, kFloat = 2, kSub32 = 3, kSub16 = 4, kSubMin32 = 5,
           kSubMin16 = 6;
const bool kMins = kScales == kHalfMin || kScales == kSubMin32 || kScales == kSubMin16;
const bool kSixteen = kScales == kSub16 || kScales == kSubMin16;  // columns that share a scale
const uint kParts = kSixteen ? 4 : 2;                             // scales in a pair of groups
const uint kHead = kMins ? 64 : 32;                               // bytes before sub-scales

uint scale_bytes(uint groups) {
  uint bytes = 0;
  if (kScales == kHalf) bytes = 32 * groups;
  if (kScales == kHalfMin || kScales == kFloat) bytes = 64 * groups;
  if (kScales == kSub32) bytes = 32 + 16 * groups;
  if (kScales == kSub16) bytes = 32 + 32 * groups;
  if (kScales == kSubMin32) bytes = 64 + 32 * groups;
  if (kScales == kSubMin16) bytes = 64 + 64 * groups;
  return (bytes + 63) / 64 * 64;
}

/// A tile of up to eight groups: where it begins in the panels, in words of 16 bytes.
struct Tile {
  uint at, groups;
};
Tile tile_of(uint panel_at, uint index, uint cols) {
  const uint full = (scale_bytes(8) + 4 * kBits * 128) / 16;
  return Tile(panel_at + index * full, min(cols - index * 256, 256) / 32);
}
uint pair_at(Tile tile, uint pair) {
  return tile.at + (scale_bytes(tile.groups) + pair * kBits * 128) / 16;
}

/// Scales of rows 4 · lane … of group `g` (of 16 or 32 columns) of a tile.
vec4 scales_of(Words4 panels, Tile tile, uint g, uint lane) {
  Words w = Words(panels);
  Words2 w2 = Words2(panels);
  if (kScales == kHalf || kScales == kHalfMin)
    return halves(w2.v[tile.at * 2 + g * 4 + lane]);
  if (kScales == kFloat) return uintBitsToFloat(panels.v[tile.at + g * 4 + lane]);
  const uint sub = w.v[tile.at * 4 + kHead / 4 + g * 4 + lane];
  precise vec4 scale = halves(w2.v[tile.at * 2 + lane]) * vec4(bytes_of(sub));
  return scale;
}
vec4 mins_of(Words4 panels, Tile tile, uint g, uint lane) {
  Words w = Words(panels);
  Words2 w2 = Words2(panels);
  if (kScales == kHalfMin) return halves(w2.v[tile.at * 2 + (tile.groups + g) * 4 + lane]);
  const uint all = tile.groups * kParts / 2;
  const uint sub = w.v[tile.at * 4 + kHead / 4 + (all + g) * 4 + lane];
  precise vec4 least = halves(w2.v[tile.at * 2 + 4 + lane]) *
                       vec4(sub & 0xff, sub >> 8 & 0xff, sub >> 16 & 0xff, sub >> 24);
  return least;
}

uvec4 plane(Words4 panels, uint at, uint bits, uint quad, uint lane) {
  const uint vectors = 2 * bits;
  const uint mask = 0x01010101u * ((1u << bits) - 1u);
  return panels.v[at + quad % vectors * 4 + lane] >> (bits * (quad / vectors)) & mask;
}

uint look_up(uint codes, uvec4 table) {
  uint word = 0;
  for (uint i = 0; i < 4; ++i) {
    const uint code = codes >> (8 * i) & 15u;
    word |= (table[code / 4] >> (8 * (code % 4)) & 0xffu) << (8 * i);
  }
  return word;
}

/// Columns 4 · quad … of four rows of the pair at `at`, less the offset that offset_of() has.
uvec4 quad_of(Words4 panels, uint at, uint quad, uint lane, uvec4 table) {
  if (kBits == 8) return panels.v[at + quad * 4 + lane] ^ 0x80808080u;
  if (kBits == 2) return plane(panels, at, 2, quad, lane);
  if (kBits == 3)
    return plane(panels, at, 2, quad, lane) | plane(panels, at + 16, 1, quad, lane) << 2;
  const uvec4 low = plane(panels, at, 4, quad, lane);
  if (kBits == 5) return low | plane(panels, at + 32, 1, quad, lane) << 4;
  if (kBits == 6) return low | plane(panels, at + 32, 2, quad, lane) << 4;
  if (kTable == 0) return low;
  return uvec4(look_up(low.x, table), look_up(low.y, table), look_up(low.z, table),
               look_up(low.w, table));
}
