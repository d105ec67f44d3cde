// Which model, quantization and cache for which job on which machine. Decided in a fixed order, and
// every decision has its number: the licence, that it fits with a margin, the speed of writing at
// half the context, the time to the first token, and only then the role's published scores less
// what the quantization loses. Nothing is traded against anything, so a machine with more memory,
// or a faster one, never gets a worse model.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"
#include "measure/catalogue.h"
#include "measure/machine.h"
#include "measure/predict.h"
#include "measure/roles.h"

namespace handmill::measure {

/// Bytes of memory that a model may take of `memory`: all but a tenth, and a gigabyte at the least,
/// for the system, a display and what was reckoned too low.
double usable_memory(double memory);

/// Quantizations whose distributions differ by less (mean Kullback-Leibler divergence, nats) are
/// taken for the same: no benchmark tells them apart.
inline constexpr double kSameDivergence = 0.01;

/// One way to run a model for a role.
struct Choice {
  const CatalogueModel* model = nullptr;
  std::string quantization;
  backend::KvType kv = backend::KvType::kF16;
  int context = 0;  // the role's, or the model's own where that is shorter
  uint64_t file_bytes = 0, kv_bytes = 0, buffer_bytes = 0;
  std::optional<double> score;  // the mean of the role's evidence; none: one of it is unpublished
  double kept = 1;              // of the score, after quantization
  Prediction decode, prefill;   // of a token behind half the context; of the role's prompt
  double thinking_tokens = 0;   // before an answer, where it thinks
  double minutes = 0;           // to an answer with its thinking

  uint64_t memory() const { return file_bytes + kv_bytes + buffer_bytes; }
  double quality() const { return score.value_or(0) * kept; }
};

/// Why a model is not advised; `score` is that of the model, before quantization.
struct Refusal {
  const CatalogueModel* model = nullptr;
  std::optional<double> score;
  bool suits = true;  // the role and the terms, so that only the machine is in its way
  std::string why;
};

struct Advice {
  const Role* role = nullptr;
  std::vector<Choice> choices;    // one for each model that passes, best first
  std::vector<Refusal> refusals;  // highest score first
};

struct Terms {
  bool commercial_only = false;
};

/// `catalogue` must outlive the advice. kInvalid where the machine's memory, bandwidth or
/// arithmetic is not known.
Result<Advice> advise(const Catalogue& catalogue, const Role& role, const Machine& machine,
                      const Terms& terms, const backend::Backend& backend);

}  // namespace handmill::measure
