// What `explain` tells, as text and as JSON.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "cli/explain_changes.h"
#include "cli/explain_gpu.h"
#include "measure/correction.h"
#include "measure/machine.h"
#include "measure/predict.h"
#include "measure/shape.h"

namespace handmill::cli {

/// Behind so many cached tokens.
struct ExplainedDepth {
  int depth = 0;
  measure::Corrected decode, prefill;  // of one token; of the whole prompt
};

struct Explanation {
  std::string model;
  measure::Shape shape;
  std::string shape_from;  // "the file", or the catalogue
  measure::Machine machine;
  std::string note;  // of a machine that is elsewhere: what its figures leave out
  std::string kv;
  int prompt = 0;
  int context = 0;        // that memory is told for
  uint64_t kv_bytes = 0;  // of that context
  uint64_t buffer_bytes = 0;
  /// What a run takes; the program and its vocabulary, some 20 to 60 MB, come on top.
  uint64_t memory_bytes() const {
    return (shape.packed_bytes > 0 ? shape.packed_bytes : shape.file_bytes) + kv_bytes +
           buffer_bytes;
  }
  std::vector<ExplainedDepth> depths;
  Changes changes;                     // at the last of the depths
  std::optional<engine::GpuPlan> gpu;  // where this machine would use one
};

std::string explanation_text(const Explanation& explanation);
boost::json::object explanation_json(const Explanation& explanation);
/// Decode and prefill of every depth in the machine's roofline, as SVG.
std::string explanation_plot(const Explanation& explanation);

}  // namespace handmill::cli
