#include "measure/changes.h"

#include <algorithm>

namespace handmill::measure {
namespace {

Machine with_rates(Machine machine, double bytes, double ops) {
  machine.read_bytes_s.value *= bytes;
  machine.ops_s.value *= ops;
  const auto scale = [&](auto& rates) {
    for (auto& rate : rates) {
      rate.bytes_s.value *= bytes;
      rate.ops_s.value *= ops;
    }
  };
  scale(machine.products);
  scale(machine.attention);
  scale(machine.attention_64);
  machine.elements_s.value *= ops;
  return machine;
}

Result<Change> change(std::string what, const Shape& shape, const Machine& machine,
                      const Conditions& at) {
  HANDMILL_TRY(const Prediction decode, predict_decode(shape, machine, at.kv, at.depth));
  HANDMILL_TRY(const Prediction prefill,
               predict_prefill(shape, machine, at.kv, at.prompt, at.depth, at.chunk));
  return Change{std::move(what), 1 / decode.seconds, prefill.seconds};
}

}  // namespace

Result<std::vector<Change>> what_would_change(const Shape& shape, const Machine& machine,
                                              const Conditions& conditions) {
  std::vector<Change> all;
  const auto add = [&](std::string what, const Machine& changed, const Conditions& at) -> Status {
    HANDMILL_TRY(Change one, change(std::move(what), shape, changed, at));
    all.push_back(std::move(one));
    return {};
  };
  HANDMILL_OK(add("", machine, conditions));
  HANDMILL_OK(add("twice the memory bandwidth (a second channel, or faster memory)",
                  with_rates(machine, 2, 1), conditions));
  HANDMILL_OK(add("twice the arithmetic (cores, or a GPU for prefill)", with_rates(machine, 1, 2),
                  conditions));
  Conditions other = conditions;
  const bool f16 = conditions.kv == backend::KvType::kF16;
  other.kv = f16 ? backend::KvType::kQ8_0 : backend::KvType::kF16;
  HANDMILL_OK(add(f16 ? "a q8_0 cache" : "an f16 cache", machine, other));
  return all;
}

int layers_that_fit(const Shape& shape, backend::KvType kv, int context, double memory_bytes) {
  constexpr double kUsable = 0.95;
  double bytes = 0;
  for (const ShapePart& part : shape.parts)
    if (!part.once) bytes += static_cast<double>(part.bytes);
  const int blocks = (context + backend::kKvBlock - 1) / backend::kKvBlock;
  bytes += static_cast<double>(shape.kv_block_bytes(kv)) * blocks;
  const double layer = bytes / shape.config.layers;
  return static_cast<int>(
      std::clamp(kUsable * memory_bytes / layer, 0.0, static_cast<double>(shape.config.layers)));
}

}  // namespace handmill::measure
