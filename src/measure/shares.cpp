#include "measure/shares.h"

#include <algorithm>

namespace handmill::measure {
namespace {

/// Seconds at both roofs.
struct AtRoofs {
  double memory, arithmetic;
  double of(Limit limit) const { return limit == Limit::kMemory ? memory : arithmetic; }
};

AtRoofs at_roofs(uint64_t bytes, uint64_t ops, const Machine& machine) {
  return {static_cast<double>(bytes) / machine.read_bytes_s.value,
          static_cast<double>(ops) / machine.ops_s.value};
}

}  // namespace

std::string_view limit_name(Limit limit) {
  return limit == Limit::kMemory ? "memory" : "arithmetic";
}

Result<Shares> shares_of(const Subject& subject, const Piece& piece, double seconds) {
  HANDMILL_TRY(const Prediction whole, subject.predict(piece));
  HANDMILL_TRY(const Prediction attention, subject.predict_attention(piece));
  const model::Work& work = whole.work;
  const AtRoofs all = at_roofs(work.bytes(), work.ops(), subject.machine);
  const AtRoofs cache = at_roofs(work.kv_bytes, work.attention_ops, subject.machine);
  Shares shares;
  shares.limit = all.memory >= all.arithmetic ? Limit::kMemory : Limit::kArithmetic;
  const double roof = all.of(shares.limit), cache_roof = cache.of(shares.limit);
  const double attention_s = attention.seconds - attention.layers_s;
  const double products_s = whole.seconds - attention_s - whole.layers_s;
  shares.roof = roof / seconds;
  shares.kernels = std::max(0.0, products_s - (roof - cache_roof)) / seconds;
  shares.attention = std::max(0.0, attention_s - cache_roof) / seconds;
  shares.layers = whole.layers_s / seconds;
  const double rest = std::max(0.0, 1 - shares.roof);
  const double explained = shares.kernels + shares.attention + shares.layers;
  if (explained > rest) {  // it was faster than predicted: what was lost, in the same proportion
    const double scale = rest / explained;
    for (double* share : {&shares.kernels, &shares.attention, &shares.layers}) *share *= scale;
  }
  shares.other = rest - std::min(rest, explained);
  return shares;
}

}  // namespace handmill::measure
