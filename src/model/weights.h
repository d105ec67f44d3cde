// A model's weights in a backend's layout. Owned by one Model; immutable once loaded.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "base/progress.h"
#include "base/result.h"
#include "gguf/file.h"
#include "model/arch/arch.h"
#include "model/model.h"
#include "model/panels.h"

namespace handmill::model {

using Vector = std::unique_ptr<backend::Array>;   // [1, n]; null where a model has none
using Weight = std::unique_ptr<backend::Matrix>;  // [outputs, inputs]

struct Projection {
  Weight weight;
  Vector bias;  // or null
  backend::Linear into(backend::Array& out) const { return {weight.get(), bias.get(), &out}; }
};

struct Layer {
  Vector attn_norm;
  Projection q, k, v;
  Vector q_norm, k_norm;
  Vector k_centre;  // [kKvBlock, …]: key_centre.h; null where keys have no bias, or a norm after it
  Projection attn_output;
  Vector post_attention_norm;
  Vector ffn_norm;
  Weight ffn_gate, ffn_up;
  Projection ffn_down;
  Vector post_ffw_norm;
};

struct Weights {
  backend::Table embedding;  // in the file's mapping
  std::vector<Layer> layers;
  Vector output_norm;
  Projection output;
  uint64_t bytes_per_token = 0;  // of all matrices, packed
  uint64_t mapped_bytes = 0;     // of those from a panel file
  WeightSizes sizes;
};

/// `progress` counts the bytes of the tensors packed. The file must outlive the weights; `panels`
/// may be null, and are kept alive.
Result<Weights> load_weights(const gguf::File& file, const Config& config, const LayerParts& parts,
                             backend::Backend& backend, const std::shared_ptr<const Panels>& panels,
                             const base::Progress& progress);

}  // namespace handmill::model
