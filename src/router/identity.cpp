#include "router/identity.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>
#include <span>
#include <string_view>

#include "base/load.h"

namespace handmill::router {
namespace {

/// Four lanes of multiply and rotate that take eight bytes in turn, mixed at the end.
class Hash {
 public:
  void add(uint64_t word) {
    uint64_t& lane = lanes_[count_++ % lanes_.size()];
    lane = std::rotl((lane ^ word) * 0x9e3779b97f4a7c15u, 29) + count_;
  }
  /// With its length, so that neighbours cannot trade bytes.
  void add(std::span<const uint8_t> bytes) {
    add(bytes.size());
    size_t at = 0;
    for (; at + sizeof(uint64_t) <= bytes.size(); at += sizeof(uint64_t))
      add(base::load<uint64_t>(bytes.data() + at));
    uint64_t rest = 0;
    if (at < bytes.size()) std::memcpy(&rest, bytes.data() + at, bytes.size() - at);
    add(rest);
  }
  void add(std::string_view text) {
    add(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
  }

  std::string hexadecimal() {
    for (int round = 0; round < 4; ++round)
      for (size_t i = 0; i < lanes_.size(); ++i)
        lanes_[i] ^= mixed(lanes_[(i + 1) % lanes_.size()] + i);
    std::string out;
    for (const uint64_t lane : lanes_) out += fmt::format("{:016x}", lane);
    return out;
  }

 private:
  /// The finalizer of MurmurHash3.
  static uint64_t mixed(uint64_t x) {
    x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdu;
    x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53u;
    return x ^ (x >> 33);
  }

  std::array<uint64_t, 4> lanes_ = {1, 2, 3, 4};
  uint64_t count_ = 0;
};

}  // namespace

std::string identity(const gguf::File& file) {
  Hash hash;
  hash.add(file.bytes());
  for (const gguf::Entry& entry : file.metadata()) {
    hash.add(entry.key);
    hash.add(static_cast<uint64_t>(entry.type));
    hash.add(entry.bytes);
  }
  constexpr size_t kSamples = 16, kSampleBytes = 512;
  const std::span<const gguf::Tensor> tensors = file.tensors();
  const size_t stride = std::max<size_t>(1, tensors.size() / kSamples);
  for (size_t i = 0; i < tensors.size(); ++i) {
    hash.add(tensors[i].name);
    hash.add(tensors[i].format->name);
    for (const uint64_t extent : tensors[i].shape) hash.add(extent);
    const std::span<const uint8_t> data = tensors[i].data;
    if (i % stride == 0) hash.add(data.first(std::min(data.size(), kSampleBytes)));
  }
  return hash.hexadecimal();
}

}  // namespace handmill::router
