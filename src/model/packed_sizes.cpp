#include "model/packed_sizes.h"

#include <charconv>

#include "model/arch/arch.h"
#include "model/tensors.h"

namespace handmill::model {
namespace {

constexpr std::string_view kLayer = "blk.";

/// The layer that check_tensors() has found in the name; −1: none.
int layer_of(std::string_view name) {
  int layer = -1;
  if (name.starts_with(kLayer))
    std::from_chars(name.data() + kLayer.size(), name.data() + name.size(), layer);
  return layer;
}

bool is_shared_out(std::string_view name) {
  for (const char* end : {".ffn_gate.weight", ".ffn_up.weight", ".ffn_down.weight"})
    if (name.ends_with(end)) return true;
  return false;
}

uint64_t packed(const gguf::Tensor& tensor, const backend::Backend& backend) {
  if (tensor.rows() == 1) return tensor.cols() * sizeof(float);
  return backend.packed_bytes(*tensor.format, tensor.rows(), tensor.cols());
}

}  // namespace

uint64_t PackedSizes::total() const {
  uint64_t bytes = head;
  for (const LayerBytes& layer : layers) bytes += layer.whole + layer.ffn;
  return bytes;
}

Result<PackedSizes> packed_sizes(const gguf::File& file, const Config& config,
                                 const backend::Backend& backend) {
  HANDMILL_OK(check_tensors(file, config, find_architecture(config.architecture)->parts));
  PackedSizes sizes;
  sizes.layers.resize(static_cast<size_t>(config.layers));
  const bool tied = file.find_tensor(kOutput) == nullptr;
  for (const gguf::Tensor& tensor : file.tensors()) {
    if (tensor.name == kRopeFactors || (tensor.name == kEmbedding && !tied)) continue;
    const int layer = layer_of(tensor.name);
    uint64_t& place = layer < 0                    ? sizes.head
                      : is_shared_out(tensor.name) ? sizes.layers[static_cast<size_t>(layer)].ffn
                                                   : sizes.layers[static_cast<size_t>(layer)].whole;
    place += packed(tensor, backend);
    if (layer >= 0 && tensor.rows() > 1) sizes.elements += tensor.rows() * tensor.cols();
  }
  return sizes;
}

}  // namespace handmill::model
