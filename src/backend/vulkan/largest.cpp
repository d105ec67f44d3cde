// The largest values of rows, found on the device, so that they alone travel (largest.comp).
#include <algorithm>
#include <bit>
#include <cassert>
#include <numeric>
#include <utility>

#include "backend/vulkan/vulkan_backend.h"

namespace handmill::backend::vulkan {
namespace {

constexpr size_t kEntries = 1024;  // of which a workgroup keeps the largest
constexpr size_t kChunk = 16;      // columns that one entry stands for
constexpr uint32_t kBad = UINT32_MAX;

struct LargestPush {
  uint64_t values, from, to;
  uint32_t cols, valid, heads, pad;
};
/// As the shader keeps it.
struct Entry {
  uint32_t key, col;
};

size_t groups_of(size_t heads) { return (heads + kEntries - 1) / kEntries; }

float value_of(uint32_t key) {
  return std::bit_cast<float>((key & 0x80000000u) != 0 ? key ^ 0x80000000u : ~key);
}

}  // namespace

/// Passes take turns between two parts of the scratch, as large as what the first two leave; the
/// last writes where the processor reads.
bool VulkanBackend::seek_largest(const DeviceArray& array, size_t rows, size_t cols, size_t keep) {
  const auto u32 = [](size_t value) { return static_cast<uint32_t>(value); };
  size_t heads = (cols + kChunk - 1) / kChunk;
  const size_t left = groups_of(heads) * keep, second = groups_of(left) * keep;
  if (!grow(scratch_, rows * (left + second) * sizeof(Entry)) ||
      !grow(largest_, rows * kLargestMax * sizeof(Entry), Use::kReadback))
    return false;
  uint64_t from = 0, to = scratch_.address(), other = to + rows * left * sizeof(Entry);
  for (size_t groups = 0; groups != 1; heads = groups * keep) {
    groups = groups_of(heads);
    if (groups == 1) to = largest_.address();
    program_->dispatch(
        {"largest", {u32(keep), from == 0 ? 1u : 0u, groups == 1 ? 1u : 0u}},
        LargestPush{array.memory.address(), from, to, u32(array.cols()), u32(cols), u32(heads), 0},
        u32(groups), u32(rows));
    from = to;
    std::swap(to, other);
  }
  program_->finish();
  return fault().ok();
}

bool VulkanBackend::largest(const Array& array, std::span<const int32_t> counts, size_t cols,
                            std::span<Largest> found) {
  assert(!counts.empty() && cols <= array.cols());
  assert(size_t(std::accumulate(counts.begin(), counts.end(), 0)) == found.size());
  const auto most = static_cast<size_t>(*std::ranges::max_element(counts));
  assert(most <= std::min<size_t>(kLargestMax, cols));
  const size_t keep = std::bit_ceil(most);
  if (!seek_largest(static_cast<const DeviceArray&>(array), counts.size(), cols, keep))
    return false;
  auto to = found.begin();
  for (size_t row = 0; row < counts.size(); ++row) {
    const auto* entries = reinterpret_cast<const Entry*>(largest_.mapped()) + row * keep;
    if (entries->key == kBad) return false;
    for (const Entry& entry : std::span(entries, static_cast<size_t>(counts[row])))
      *to++ = {value_of(entry.key), static_cast<int32_t>(entry.col)};
  }
  return true;
}

}  // namespace handmill::backend::vulkan
