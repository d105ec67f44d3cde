// Machines that are elsewhere: a few by name, as their data sheets and a published article give
// them, each with what its figures leave out, and any other written as its figures.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "measure/machine.h"

namespace handmill::measure {

struct NamedMachine {
  std::string_view name;
  double read_bytes_s;
  double ops_s;
  double memory_bytes;    // 0: depends on what was bought
  std::string_view note;  // where the figures come from, and what they leave out
};
std::span<const NamedMachine> named_machines();

struct GivenMachine {
  Machine machine;  // every figure Source::kGiven
  std::string note;
};
/// A name of the table, in any case, or figures with commas between them: "90GB/s,16TFLOPS,16GB"
/// (memory bandwidth, arithmetic, and as a choice memory; also MB/s, TB/s, GFLOPS; 10^9, not 2^30).
/// kNotFound lists the names, kInvalid names the figure that is wrong or missing.
Result<GivenMachine> given_machine(std::string_view text);

/// Operations on a byte in attention over n positions that writes its n · n scores to memory and
/// reads them back, for one head of dimension e in 16-bit numbers: (4n²e + 3n²) / (8n² + 8ne).
/// 62.4 at n = 4096, e = 128. Fused attention (arXiv 2205.14135), which handmill has, moves only
/// queries, keys, values and outputs: about n / 2. Source: baseten.co,
/// llm-transformer-inference-guide. REQUIRES: n > 0, e > 0.
double unfused_attention_intensity(double n, double e);

}  // namespace handmill::measure
