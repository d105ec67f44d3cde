// The kernels of one instruction set as a table; `kIsa` and `kName` are defined by the file that
// includes this.

void product(const Product& p) {
  if (p.layout->table != nullptr) {
    for (size_t i = 0; i < 16; ++i) p.scratch[i] = static_cast<uint8_t>(p.layout->table[i] + 128);
  }
  switch (p.layout->codes) {
    case Codes::kF16: return float_product<Codes::kF16>(p);
    case Codes::kBF16: return float_product<Codes::kBF16>(p);
    case Codes::kF32: return float_product<Codes::kF32>(p);
    case Codes::k2: return product_of<Codes::k2, Scales::kSubMin16>(p);
    case Codes::k3: return product_of<Codes::k3, Scales::kSub16>(p);
    case Codes::k6: return product_of<Codes::k6, Scales::kSub16>(p);
    case Codes::k8: return product_of<Codes::k8, Scales::kHalf>(p);
    case Codes::k4:
      if (p.layout->scales == Scales::kHalf) return product_of<Codes::k4, Scales::kHalf>(p);
      if (p.layout->scales == Scales::kHalfMin) return product_of<Codes::k4, Scales::kHalfMin>(p);
      return product_of<Codes::k4, Scales::kSubMin32>(p);
    case Codes::k5:
      if (p.layout->scales == Scales::kHalf) return product_of<Codes::k5, Scales::kHalf>(p);
      if (p.layout->scales == Scales::kHalfMin) return product_of<Codes::k5, Scales::kHalfMin>(p);
      return product_of<Codes::k5, Scales::kSubMin32>(p);
    case Codes::k4Table:
      if (p.layout->scales == Scales::kHalf) return product_of<Codes::k4Table, Scales::kHalf>(p);
      if (p.layout->scales == Scales::kFloat) return product_of<Codes::k4Table, Scales::kFloat>(p);
      return product_of<Codes::k4Table, Scales::kSub32>(p);
  }
}

const Kernels kTable{kIsa,     kName,  product, quantize,  rms_norm,  gate,
                     store_kv, attend, merge,   dot_steps, fma_steps, read_bytes};
