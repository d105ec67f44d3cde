#include "measure/predict.h"

#include <algorithm>

#include "base/error.h"

namespace handmill::measure {
namespace {

/// π and β of one part of a step.
struct Rates {
  double bytes_s, ops_s;
};

class Clock {
 public:
  Clock(const Machine& machine, backend::KvType kv)
      : machine_(machine), kv_(backend::kv_name(kv)) {}

  void step(const Shape& shape, int rows, int depth, int outputs, backend::KvType kv) {
    layers(shape, rows, depth, kv, 1);
    if (outputs > 0) head(shape, outputs);
    sum_.work += shape.work(rows, depth, outputs, kv);
  }

  /// A share of all layers.
  void layers(const Shape& shape, int rows, int depth, backend::KvType kv, double share) {
    for (const ShapePart& part : shape.parts)
      if (!part.once) product(part, rows * part.codings, share);
    const model::Work work = shape.work(rows, depth, 0, kv);
    spend(share * static_cast<double>(work.kv_bytes),
          share * static_cast<double>(work.attention_ops) * in_blocks(rows, depth),
          of_attention(shape.config.head_dim));
    double beside = 0;
    if (machine_.layer_s.known()) beside += machine_.layer_s.value * shape.config.layers;
    // One row's are in the layer's.
    if (machine_.elements_s.known())
      beside += (rows - 1) * shape.row_elements() / machine_.elements_s.value;
    sum_.layers_s += share * beside;
  }
  void head(const Shape& shape, int outputs) {
    for (const ShapePart& part : shape.parts)
      if (part.once) product(part, outputs, 1);
  }

  Prediction sum() const {
    Prediction sum = sum_;
    sum.seconds = sum.memory_s + sum.ops_s + sum.layers_s;
    return sum;
  }

 private:
  /// Attention computes whole blocks of keys: those computed over those seen.
  static double in_blocks(int rows, int depth) {
    double seen = 0, computed = 0;
    for (int row = 0; row < rows; ++row) {
      const int keys = depth + row + 1;
      seen += keys;
      computed += (keys + backend::kKvBlock - 1) / backend::kKvBlock * backend::kKvBlock;
    }
    return computed / seen;
  }
  void product(const ShapePart& part, int rows, double share) {
    spend(share * static_cast<double>(part.bytes),
          share * 2.0 * static_cast<double>(part.elements) * rows, of_product(part));
  }
  void spend(double bytes, double ops, Rates rates) {
    const double memory = bytes / rates.bytes_s, arithmetic = ops / rates.ops_s;
    (memory >= arithmetic ? sum_.memory_s : sum_.ops_s) += std::max(memory, arithmetic);
  }
  double rate(const Figure& measured, const Figure& roof, double share) {
    if (measured.source != Source::kMeasured) sum_.basis = Basis::kRoof;
    return measured.known() ? measured.value : roof.value * share;
  }
  Rates rates(const Figure& bytes_s, const Figure& ops_s) {
    return {rate(bytes_s, machine_.read_bytes_s, kReadShare),
            rate(ops_s, machine_.ops_s, kOpsShare)};
  }
  Rates of_product(const ShapePart& part) {
    for (const ProductRate& known : machine_.products)
      if (known.format == part.format) return rates(known.bytes_s, known.ops_s);
    // Norms and biases are no products, and too few bytes to widen an error bar.
    if (part.kind == PartKind::kNorms)
      return {machine_.read_bytes_s.value * kReadShare, machine_.ops_s.value * kOpsShare};
    return rates({}, {});
  }
  Rates of_attention(int head_dim) {
    constexpr int kBetween = 96;  // of the sizes that are measured
    const bool small = head_dim < kBetween && !machine_.attention_64.empty();
    for (const AttentionRate& known : small ? machine_.attention_64 : machine_.attention)
      if (known.kv == kv_) return rates(known.bytes_s, known.ops_s);
    return rates({}, {});
  }

  const Machine& machine_;
  std::string_view kv_;
  Prediction sum_;
};

Status check(const Machine& machine) {
  if (machine.read_bytes_s.known() && machine.ops_s.known()) return {};
  return base::invalid("the machine's {} is not known",
                       machine.ops_s.known() ? "memory bandwidth" : "arithmetic");
}

}  // namespace

Result<Prediction> predict_decode(const Shape& shape, const Machine& machine, backend::KvType kv,
                                  int depth) {
  HANDMILL_OK(check(machine));
  Clock clock(machine, kv);
  clock.step(shape, 1, depth, 1, kv);
  return clock.sum();
}

Result<Prediction> predict_split_decode(const Shape& shape, const Machine& fast,
                                        const Machine& slow, backend::KvType kv, int depth,
                                        int fast_layers, bool fast_head) {
  HANDMILL_OK(check(fast));
  HANDMILL_OK(check(slow));
  const double share = static_cast<double>(fast_layers) / shape.config.layers;
  Clock first(fast, kv), second(slow, kv);
  first.layers(shape, 1, depth, kv, share);
  second.layers(shape, 1, depth, kv, 1 - share);
  (fast_head ? first : second).head(shape, 1);
  Prediction sum = first.sum();
  const Prediction more = second.sum();
  sum.seconds += more.seconds;
  sum.memory_s += more.memory_s;
  sum.ops_s += more.ops_s;
  sum.layers_s += more.layers_s;
  sum.work = shape.work(1, depth, 1, kv);
  if (more.basis == Basis::kRoof) sum.basis = Basis::kRoof;
  return sum;
}

Result<Prediction> predict_prefill(const Shape& shape, const Machine& machine, backend::KvType kv,
                                   int tokens, int depth, int chunk) {
  HANDMILL_OK(check(machine));
  Clock clock(machine, kv);
  for (int done = 0; done < tokens; done += chunk) {
    const int rows = std::min(chunk, tokens - done);
    clock.step(shape, rows, depth + done, done + rows == tokens ? 1 : 0, kv);
  }
  return clock.sum();
}

}  // namespace handmill::measure
