// What an engine is made of, and how it is made from a file. Serves the engine.
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
};

Result<Parts> make_parts(std::shared_ptr<const gguf::File> file, const Options& options,
                         const base::Progress& progress);

}  // namespace handmill::engine
