#include "measure/shape.h"

#include <numeric>

#include "model/arch/arch.h"
#include "model/tensors.h"

namespace handmill::measure {
namespace {

/// By the name's end; check_tensors has seen that no other name is there.
PartKind kind_of(const gguf::Tensor& tensor) {
  if (tensor.n_dims < 2) return PartKind::kNorms;
  return tensor.name.find(".ffn_") != std::string_view::npos ? PartKind::kFeedForward
                                                             : PartKind::kAttention;
}

/// See docs/NUMERICS.md: the inputs of q, k and v in small models.
int codings_of(const model::Config& config, const gguf::Tensor& tensor) {
  if (!config.fine_attention_input || tensor.n_dims < 2) return 1;
  for (const char* name : {".attn_q.", ".attn_k.", ".attn_v."})
    if (tensor.name.find(name) != std::string_view::npos) return 2;
  return 1;
}

void add(Shape& shape, const backend::Backend& backend, PartKind kind, const gguf::Tensor& tensor,
         bool once) {
  const int codings = codings_of(shape.config, tensor);
  shape.packed_bytes += tensor.n_dims < 2
                            ? tensor.rows() * tensor.cols() * sizeof(float)
                            : backend.packed_bytes(*tensor.format, tensor.rows(), tensor.cols());
  const uint64_t elements = tensor.n_dims < 2 ? 0 : tensor.rows() * tensor.cols();
  for (ShapePart& part : shape.parts) {
    if (part.kind != kind || part.once != once || part.codings != codings ||
        part.format != tensor.format->name)
      continue;
    part.bytes += tensor.bytes;
    part.elements += elements;
    return;
  }
  shape.parts.push_back(
      {kind, std::string(tensor.format->name), tensor.bytes, elements, once, codings});
}

uint64_t kv_bytes(const backend::Backend& backend, const model::Config& config,
                  backend::KvType type) {
  return backend.kv_block_bytes({config.layers, config.kv_heads, config.head_dim, type});
}

}  // namespace

std::string_view part_name(PartKind kind) {
  switch (kind) {
    case PartKind::kAttention: return "attention projections";
    case PartKind::kFeedForward: return "feed-forward";
    case PartKind::kHead: return "head";
    case PartKind::kNorms: return "norms and biases";
  }
  return "";
}

double Shape::row_elements() const {
  const double heads = 2.0 * (config.heads + config.kv_heads) * config.head_dim;
  return config.layers * (2.0 * config.width + heads + config.ffn_width);
}

model::Work Shape::work(int rows, int depth, int outputs, backend::KvType kv) const {
  model::WeightSizes sizes{.body = {}, .head = {}, .embedding_row_bytes = embedding_row_bytes};
  for (const ShapePart& part : parts) {
    model::Part& sum = part.once ? sizes.head : sizes.body;
    sum.bytes += part.bytes;
    sum.elements += part.elements;
  }
  std::vector<int32_t> positions(static_cast<size_t>(rows)), sequences(positions.size());
  std::iota(positions.begin(), positions.end(), depth);
  return model::count_work(config, sizes, {positions, sequences, {}}, static_cast<size_t>(outputs),
                           kv_block_bytes(kv));
}

Result<Shape> read_shape(const gguf::File& file, const backend::Backend& backend) {
  Shape shape;
  HANDMILL_TRY(shape.config, model::read_config(file));
  const model::Architecture* known = model::find_architecture(shape.config.architecture);
  HANDMILL_OK(model::check_tensors(file, shape.config, known->parts));
  shape.file_bytes = file.bytes();
  const bool tied = file.find_tensor(model::kOutput) == nullptr;
  for (const gguf::Tensor& tensor : file.tensors()) {
    shape.parameters += tensor.rows() * tensor.cols();
    if (tensor.name == model::kRopeFactors) continue;
    if (tensor.name == model::kEmbedding) {
      shape.embedding_row_bytes = tensor.bytes / tensor.rows();
      if (tied) add(shape, backend, PartKind::kHead, tensor, true);
    } else if (tensor.name == model::kOutput) {
      add(shape, backend, PartKind::kHead, tensor, true);
    } else {
      const bool last = tensor.name.starts_with("output");  // output_norm.weight, output.bias
      add(shape, backend, kind_of(tensor), tensor, last);
    }
  }
  shape.kv_block_bytes_f16 = kv_bytes(backend, shape.config, backend::KvType::kF16);
  shape.kv_block_bytes_q8_0 = kv_bytes(backend, shape.config, backend::KvType::kQ8_0);
  return shape;
}

}  // namespace handmill::measure
