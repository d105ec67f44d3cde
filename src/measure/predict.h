// Seconds of decode and prefill before any run: over the parts of a model's shape, the larger of
// operations / π and bytes / β, added up, and what each layer costs beside them:
// t = Σ_parts max(ops / π, bytes / β) + c · layers + elements between products / their rate. Each
// time says what its rates rest on.
#pragma once

#include "backend/backend.h"
#include "base/result.h"
#include "measure/machine.h"
#include "measure/shape.h"

namespace handmill::measure {

/// What kernels reach of a roof where their rate was never measured: assumptions, and the error
/// bar of what rests on them is wide. Decode: in 500 published runs of another engine on six
/// machines (llmfit's community data, models of 7B and up) 0.65 to 0.84. Prefill: no data, a half.
inline constexpr double kReadShare = 0.75;
inline constexpr double kOpsShare = 0.5;
/// Error bars, as shares of the time: assumed until predictions have been held against runs.
inline constexpr double kMeasuredBar = 0.10;
inline constexpr double kRoofBar = 0.30;

enum class Basis {
  kMeasured,  // every rate was measured with handmill's kernels
  kRoof,      // at least one was given, or is a share of a roof
};

struct Prediction {
  double seconds = 0;
  double memory_s = 0;  // of them, in parts where bytes bind
  double ops_s = 0;     // in parts where operations bind
  double layers_s = 0;  // of layers beside their parts; 0 where that is not known, and left out
  model::Work work;     // of all its steps
  Basis basis = Basis::kMeasured;
  double low() const { return seconds * (1 - bar()); }
  double high() const { return seconds * (1 + bar()); }
  double bar() const { return basis == Basis::kMeasured ? kMeasuredBar : kRoofBar; }
};

/// One token after `depth` others. An unknown roof that is needed is kInvalid.
Result<Prediction> predict_decode(const Shape& shape, const Machine& machine, backend::KvType kv,
                                  int depth);
/// The same where the first `fast_layers` layers are computed on one machine and the rest on
/// another, one after the other (what llama.cpp's -ngl does); the head is on the slow one unless
/// `fast_head`. What crosses between them is left out. REQUIRES: 0 ≤ fast_layers ≤ layers.
Result<Prediction> predict_split_decode(const Shape& shape, const Machine& fast,
                                        const Machine& slow, backend::KvType kv, int depth,
                                        int fast_layers, bool fast_head);
/// `tokens` after `depth` others, in steps of `chunk` tokens (engine::Options::prefill_chunk), the
/// last of which gives logits: what is left of TTFT without tokenizing, loading and sampling.
/// REQUIRES: tokens > 0, chunk > 0.
Result<Prediction> predict_prefill(const Shape& shape, const Machine& machine, backend::KvType kv,
                                   int tokens, int depth, int chunk);

}  // namespace handmill::measure
