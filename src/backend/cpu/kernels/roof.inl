// What the machine can do at most in this vocabulary: the roofs that products are held against.

/// Independent chains of int8 products in registers: `steps` times kRoofChains steps of 64 bytes,
/// as many chains at once as the registers hold.
uint64_t dot_steps(const uint8_t* data, size_t steps) {
  constexpr size_t kChains = Vec::kDotChains;
  static_assert(kRoofChains % kChains == 0);
  const Vec::B codes = Vec::shift_and<0>(Vec::load_bytes(data), 15);
  Vec::X x = Vec::broadcast(reinterpret_cast<const int8_t*>(data));
  Vec::F sum = Vec::zero();
  for (size_t first = 0; first < kRoofChains; first += kChains) {
    typename Vec::template Dot<Width::kNibble> dot[kChains];
    unroll<kChains>([&](auto i) { dot[i].begin(data[first + i]); });
    for (size_t step = 0; step < steps; ++step)
      unroll<kChains>([&](auto i) {
        Vec::forget(x);  // or products that do not add would be done once for all steps
        dot[i].step(codes, x);
      });
    unroll<kChains>([&](auto i) { sum = Vec::add(sum, Vec::to_float(dot[i].end(0))); });
  }
  return static_cast<uint64_t>(std::bit_cast<uint32_t>(Vec::reduce_add(sum)));
}

/// Independent chains of float products in registers: `steps` times kRoofChains fused multiply-adds
/// of 16 floats, as many chains at once as the registers hold. Each depends on the one before and
/// begins at a value of its own, so none can be left out or shared.
uint64_t fma_steps(const uint8_t* data, size_t steps) {
  constexpr size_t kChains = Vec::kFmaChains;
  static_assert(kRoofChains % kChains == 0);
  const Vec::F factor = Vec::mul(Vec::load_u8(data), Vec::set1(1.0f / 512));
  const Vec::F term = Vec::load_u8(data + 16);
  Vec::F sum = Vec::zero();
  for (size_t first = 0; first < kRoofChains; first += kChains) {
    Vec::F chain[kChains];
    unroll<kChains>([&](auto i) { chain[i] = Vec::set1(static_cast<float>(first + i)); });
    for (size_t step = 0; step < steps; ++step)
      unroll<kChains>([&](auto i) { chain[i] = Vec::fma(chain[i], factor, term); });
    unroll<kChains>([&](auto i) { sum = Vec::add(sum, chain[i]); });
  }
  return static_cast<uint64_t>(std::bit_cast<uint32_t>(Vec::reduce_add(sum)));
}

/// Reads `bytes` (a multiple of 512) once, in order; the result depends on all of them.
uint64_t read_bytes(const uint8_t* data, size_t bytes) {
  Vec::B all[8];
  for (auto& one : all) one = Vec::load_bytes(data);
  for (size_t at = 0; at < bytes; at += 512) {
    for (size_t ahead = 0; ahead < 512; ahead += 64) prefetch(data + at + 4096 + ahead);
    for (size_t i = 0; i < 8; ++i)
      all[i] = Vec::or_bytes(all[i], Vec::load_bytes(data + at + 64 * i));
  }
  for (size_t i = 1; i < 8; ++i) all[0] = Vec::or_bytes(all[0], all[i]);
  alignas(64) uint8_t out[64];
  Vec::store_bytes(out, all[0]);
  return out[0];
}
