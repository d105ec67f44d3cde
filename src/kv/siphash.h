// SipHash-2-4 (Aumasson and Bernstein, 2012): a hash that nobody can aim collisions at without its
// key. Serves PrefixIndex, whose inputs are what clients send.
#pragma once

#include <bit>
#include <cstdint>
#include <random>

namespace handmill::kv {

struct HashKey {
  uint64_t low, high;
};

/// One that nobody knows.
inline HashKey random_hash_key() {
  std::random_device device;
  const auto word = [&device] { return uint64_t{device()} << 32 | device(); };
  return {word(), word()};
}

class SipHash {
 public:
  explicit SipHash(const HashKey& key)
      : v0_(key.low ^ 0x736f6d6570736575u),
        v1_(key.high ^ 0x646f72616e646f6du),
        v2_(key.low ^ 0x6c7967656e657261u),
        v3_(key.high ^ 0x7465646279746573u) {}

  /// The next eight bytes of the message, the first of them lowest.
  void add(uint64_t word) {
    v3_ ^= word;
    round();
    round();
    v0_ ^= word;
  }
  /// The hash of a message that ends with `tail`: fewer than eight bytes, and its whole length in
  /// bytes, modulo 256, at the top.
  uint64_t finish(uint64_t tail) {
    add(tail);
    v2_ ^= 0xff;
    for (int i = 0; i < 4; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  void round() {
    v0_ += v1_;
    v2_ += v3_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v1_;
    v0_ += v3_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ = std::rotl(v2_, 32);
  }

  uint64_t v0_, v1_, v2_, v3_;
};

}  // namespace handmill::kv
