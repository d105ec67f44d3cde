// The speeds of a bench held against predictions, as any run is.
#pragma once

#include <memory>
#include <string>

#include "engine/engine.h"
#include "gguf/file.h"
#include "measure/bench_result.h"
#include "measure/recorder.h"

namespace handmill::cli {

/// Of one engine, with those options. Nothing where the machine was never measured,
/// or a GPU computes, of which nothing is predicted.
class BenchRuns {
 public:
  BenchRuns(const std::string& model, const gguf::File& file, const engine::Options& options,
            const engine::Engine& engine);

  /// Before a test of speed, and after it with its repeats, of which the median counts; null where
  /// it failed.
  void begin(const measure::BenchTest& test);
  void end(const measure::BenchResult* result);

 private:
  bool guesses_;
  std::shared_ptr<const measure::Subject> subject_;
  std::unique_ptr<measure::Recorder> recorder_;
  measure::Recorder::RunId run_ = 0;
};

}  // namespace handmill::cli
