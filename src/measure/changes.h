// What would make a model faster on a machine, and by how much: the same prediction with one thing
// changed. Serves `explain`.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "measure/predict.h"

namespace handmill::measure {

struct Conditions {
  backend::KvType kv = backend::KvType::kF16;
  int depth = 0;   // of decode and prefill
  int prompt = 1;  // tokens of prefill
  int chunk = 1;   // engine::Options::prefill_chunk
};

struct Change {
  std::string what;  // "twice the memory bandwidth (a second channel)"
  double decode_tok_s = 0;
  double ttft_s = 0;
};

/// Twice the bandwidth, twice the arithmetic, and the other cache; first the unchanged, with an
/// empty name. An unknown roof is kInvalid.
Result<std::vector<Change>> what_would_change(const Shape& shape, const Machine& machine,
                                              const Conditions& conditions);

/// How many layers, with their part of a cache of `context` positions, fit into `memory_bytes` less
/// a twentieth for buffers and drivers; the head is left out.
int layers_that_fit(const Shape& shape, backend::KvType kv, int context, double memory_bytes);

}  // namespace handmill::measure
