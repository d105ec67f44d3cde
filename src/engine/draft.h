// A second, smaller model of the same vocabulary that guesses what the first will say. It keeps up
// with the text where it is asked to, in a key/value cache of its own, and has the last say in
// nothing. Serves the speculation.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"
#include "engine/batch.h"
#include "engine/engine.h"
#include "engine/pace.h"
#include "engine/sequence.h"
#include "gguf/file.h"
#include "kv/cache.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace handmill::engine {

class Draft {
 public:
  struct Limits {
    int batch_tokens, sequences_max, outputs_max;
  };
  /// A proposal of `count` tokens is wanted.
  struct Job {
    Sequence* sequence;
    int count;
  };

  /// `file` is kept. `first` and `tokenizer` are those of the model that decides; other texts for
  /// the same tokens are an error.
  static Result<std::unique_ptr<Draft>> load(std::shared_ptr<const gguf::File> file,
                                             backend::Backend& backend, const Options& options,
                                             const model::Model& first,
                                             const text::Tokenizer& tokenizer,
                                             const Limits& limits);
  uint64_t mapped_bytes() const { return model_->mapped_bytes(); }
  uint64_t block_bytes() const { return backend_.kv_block_bytes(model_->kv_shape(kv_)); }
  /// REQUIRED before all that follows.
  Status make_cache(int blocks);

  /// Takes all memory for a text that grows to `length`.
  void begin(Sequence& sequence, int length) const;
  /// False where the text is beyond its context or its vocabulary.
  bool can_help(Sequence& sequence, int spare) const;
  /// False where what it has not read is so long that reading would not pay for `spare` tokens.
  bool reading_pays(const Sequence& sequence, int spare) const;
  /// Writes proposals; none yet for a text that it has not read to its end in this step.
  void propose(std::span<const Job> jobs);
  /// After the first model's verdict.
  void verified(Sequence& sequence);
  void release(Sequence& sequence);
  /// Of one token more in so many proposals; `first` is what the first model takes for them.
  double seconds(int sequences, double first) const;
  void clear_cache() { cache_->clear(); }

 private:
  Draft(std::shared_ptr<const gguf::File> file, backend::Backend& backend, backend::KvType kv,
        std::unique_ptr<model::Model> model, double share, int vocab, const Limits& limits);

  bool prepare(Sequence& sequence, int count);
  void run();

  std::shared_ptr<const gguf::File> file_;
  backend::Backend& backend_;
  backend::KvType kv_;
  std::unique_ptr<model::Model> model_;
  std::unique_ptr<backend::KvStore> store_;
  std::unique_ptr<kv::Cache> cache_;
  double share_;  // bytes of its weights for each of the first model's
  int vocab_;     // tokens that both models have
  Limits limits_;
  FlatBatch batch_;
  StepTimes times_;
  std::vector<Job> working_;   // those whose next token the batch brings, in its order
  std::vector<int32_t> ones_;  // one for each of them
  std::vector<backend::Largest> likeliest_;  // next token of each
  std::vector<float> row_;                   // [vocab]
};

}  // namespace handmill::engine
