// What a model's weights take in memory, packed, by the places that a layer can be in. Counted from
// the tensor table alone. Serves plans of memory.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"
#include "gguf/file.h"
#include "model/model.h"

namespace handmill::model {

struct LayerBytes {
  uint64_t whole = 0;  // attention, norms and biases: in one place
  uint64_t ffn = 0;    // gate, up and down, which can be shared out by columns of their width
};

struct PackedSizes {
  std::vector<LayerBytes> layers;
  uint64_t head = 0;      // the last norm, and what makes the logits
  uint64_t elements = 0;  // of the layers' matrices: so many multiply-adds a row
  uint64_t total() const;
};

/// A model that handmill cannot run is an error that names what is wrong with it.
Result<PackedSizes> packed_sizes(const gguf::File& file, const Config& config,
                                 const backend::Backend& backend);

}  // namespace handmill::model
