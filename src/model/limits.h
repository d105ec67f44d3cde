// The largest hyper-parameters that are believed: several times those of any known model, and small
// enough that what they size cannot exhaust a machine before the tensors are held against them.
#pragma once

namespace handmill::model {

inline constexpr int kMaxLayers = 1024;
inline constexpr int kMaxWidth = 1 << 18;
inline constexpr int kMaxFfnWidth = 1 << 20;
inline constexpr int kMaxHeads = 1 << 12;
inline constexpr int kMaxHeadDim = 1 << 10;
inline constexpr int kMaxVocab = 1 << 22;
inline constexpr int kMaxContext = 1 << 26;

}  // namespace handmill::model
