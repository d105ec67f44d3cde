// One block of 64 positions of one kv head in the key/value store, and one layer's store as a whole:
// [block][kv head][head_words].
//   f16    K [dim / 8][64 keys][8 halves], V [64][dim] halves
//   q8_0   K [dim / 16][64 keys][16 codes], [dim / 64][64 keys] pairs of half scales of 32 dimensions;
//          V [64][dim] codes, [64][dim / 64] pairs of half scales;
//          what the block's keys have in common, rotated: [dim] floats
layout(constant_id = 0) const uint kCoded = 0;
layout(constant_id = 1) const uint kDim = 64;
const uint kBlock = 64, kScaleWords = (kDim + 63) / 64;
const uint kKeyScales = kBlock * kDim / 4;  // in words, from the head's beginning
const uint kValues = kCoded != 0 ? kKeyScales + kBlock * kScaleWords : kBlock * kDim / 2;
const uint kValueScales = kValues + kBlock * kDim / 4;
const uint kCentre = kValueScales + kBlock * kScaleWords;
