// What an engine is made of, and how it is made from a file: on the processor, or where a device is
// wanted and there, on it or on both. Serves the engine.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "base/progress.h"
#include "base/result.h"
#include "engine/draft.h"
#include "engine/engine.h"
#include "gguf/file.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace handmill::engine {

/// In the order in which they are made.
struct Parts {
  std::shared_ptr<const gguf::File> file;
  model::Config config;
  int threads;
  std::shared_ptr<const text::Tokenizer> tokenizer;
  std::unique_ptr<backend::Backend> backend;
  std::unique_ptr<model::Model> model;
  std::unique_ptr<backend::KvStore> store;
  std::unique_ptr<Draft> draft;  // or none
  int context;                   // positions of the store
  int prefill_chunk;             // rows of a batch
  int max_sequences;
  int max_outputs;  // rows of a batch whose logits are wanted
  Speculate speculate;
  bool on_gpu = false;  // some of it

  /// Lets go of backend and all that it made, in the order in which that is safe.
  void release();
};

/// Where a device runs out of memory less of it is asked for, as often as that happens; what does
/// not fit goes to the processor.
Result<Parts> make_parts(std::shared_ptr<const gguf::File> file, const Options& options,
                         const base::Progress& progress);

}  // namespace handmill::engine
