// A made-up model on a made-up machine with round figures. For this room's tests.
#pragma once

#include "measure/subject.h"

namespace handmill::measure {

/// A step of decode reads 100 MB of weights at 1 GB/s (the roof: 2 GB/s) and 1000 bytes of cache
/// for a position at 1 MB/s, and has 10 layers of 1 ms.
inline Subject test_subject(const std::string& name = "model") {
  Shape shape;
  shape.config.layers = 10;
  shape.config.heads = 1;
  shape.config.kv_heads = 1;
  shape.config.head_dim = 1;
  shape.parts = {{PartKind::kFeedForward, "q8_0", 100'000'000, 1'000'000, false}};
  shape.kv_block_bytes_f16 = shape.kv_block_bytes_q8_0 = 1000 * backend::kKvBlock;
  const auto measured = [](double value) { return Figure{value, Source::kMeasured}; };
  Machine machine;
  machine.name = "made up";
  machine.engine = "scalar, 2 threads";
  machine.read_bytes_s = measured(2e9);
  machine.ops_s = measured(1e12);
  machine.layer_s = measured(1e-3);
  machine.products = {{"q8_0", measured(1e9), measured(1e9)}};
  machine.attention = {{"f16", measured(1e6), measured(1e9)}};
  return Subject({name, "digest of " + name, 100'000'000}, shape, machine, backend::KvType::kF16, 2,
                 512);
}

}  // namespace handmill::measure
