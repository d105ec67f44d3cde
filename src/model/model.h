// A decoder model: hyper-parameters read from a GGUF file, weights packed by a backend, and the
// forward pass, which is one page in model.cpp. An architecture is a file in arch/ that fills
// Config and says which weights a layer has.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/progress.h"
#include "base/result.h"
#include "gguf/file.h"
#include "model/work.h"

namespace handmill::model {

/// Which positions' hidden states make an embedding.
enum class Pooling { kMean, kFirst, kLast };

/// Rounding noise averages over the width: only narrower models show it (docs/NUMERICS.md).
inline constexpr int kFineInputBelow = 1024;

/// Variation is data: everything in which the architectures differ.
struct Config {
  std::string architecture;
  int layers = 0;
  int width = 0;  // embedding_length
  int heads = 0;
  int kv_heads = 0;
  int head_dim = 0;
  int ffn_width = 0;
  int vocab = 0;
  int context = 0;                    // context_length
  float eps = 0;                      // of every RMS norm
  float embed_scale = 1;              // gemma: sqrt(width)
  bool fine_attention_input = false;  // q, k and v read 16-bit inputs: see docs/NUMERICS.md
  float attention_scale = 0;          // 1 / sqrt(head_dim)
  backend::Activation activation = backend::Activation::kSilu;
  bool rope_neighbours = false;
  int rope_dims = 0;
  int window = 0;                            // sliding window of the local layers; 0: none
  int window_pattern = 0;                    // every window_pattern-th layer is global
  std::vector<double> rope_frequency;        // [rope_dims / 2]
  std::vector<double> rope_frequency_local;  // of local layers; empty: as above
  Pooling pooling = Pooling::kMean;
  bool is_local(int layer) const { return window > 0 && (layer + 1) % window_pattern != 0; }
};

/// Reads and checks the hyper-parameters; an architecture that handmill lacks is kUnsupported, with
/// those it has.
Result<Config> read_config(const gguf::File& file);
/// Names of the supported architectures, for messages and docs.
std::vector<std::string> architectures();

class Panels;

class Model {
 public:
  /// Packs every weight, or takes it from `panels` where they hold it. `max_rows` is the largest
  /// batch that forward() will be given, `max_outputs` the most rows whose logits it will be asked
  /// for.
  static Result<std::unique_ptr<Model>> load(const gguf::File& file, backend::Backend& backend,
                                             int max_rows, int max_outputs,
                                             const base::Progress& progress = {},
                                             std::shared_ptr<const Panels> panels = {});
  virtual ~Model() = default;

  virtual const Config& config() const = 0;
  virtual uint64_t bytes_per_token() const = 0;  // weights streamed for one decoded token
  virtual uint64_t mapped_bytes() const = 0;     // of these, those that lie in a panel file
  /// What forward() has to do for this batch, of which so many rows are outputs.
  virtual Work work(const backend::Batch& batch, size_t outputs,
                    const backend::KvStore& store) const = 0;
  virtual backend::KvShape kv_shape(backend::KvType type) const = 0;

  /// One batch through all layers; the keys and values of its positions are stored. `outputs` are
  /// rows of the batch: the logits of outputs[i] are row i of the returned array [n_outputs,
  /// vocab], valid until the next call.
  virtual const backend::Array& forward(std::span<const int32_t> tokens,
                                        const backend::Batch& batch, backend::KvStore& store,
                                        std::span<const int32_t> outputs) = 0;
  /// Logits of other rows of the batch that forward() was last given, in the same array.
  virtual const backend::Array& logits(std::span<const int32_t> rows) = 0;
  /// What the logits are made from: the normed hidden states of that batch's first n rows [n,
  /// width], valid until the next call of forward().
  virtual const backend::Array& hidden(int n) = 0;
};

}  // namespace handmill::model
