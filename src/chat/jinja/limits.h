// What a template may cost. Templates come from model files that nobody has read, and their data
// from the network, so each size and each loop has a ceiling; passing one is an error that names
// it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace handmill::chat::jinja {

inline constexpr size_t kSourceBytesMax = 256 * 1024;
inline constexpr int kParseDepthMax = 250;        // parser calls under way; a nested block counts 5
inline constexpr int kTreeHeightMax = 64;         // of an expression
inline constexpr uint64_t kStepsMax = 1'000'000;  // evaluated nodes, produced elements, KiB of text
inline constexpr int kRecursionDepthMax = 160;    // evaluations, statements and calls under way
inline constexpr int kValueDepthMax = 100;        // lists within lists
inline constexpr size_t kTextBytesMax = 8u << 20;   // one string, and the output
inline constexpr size_t kLiveBytesMax = 64u << 20;  // all longer strings alive at one moment
inline constexpr int64_t kRangeMax = 100'000;       // the sandbox of Jinja2 has the same

}  // namespace handmill::chat::jinja
