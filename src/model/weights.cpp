// Every tensor is read once, front to back, into the backend's layout, or found there already.
#include "model/weights.h"

#include <utility>

#include "base/error.h"
#include "model/key_centre.h"
#include "model/tensors.h"

namespace handmill::model {
namespace {

class Loader {
 public:
  Loader(const gguf::File& file, const Config& config, backend::Backend& backend,
         std::shared_ptr<const Panels> panels, const base::Progress& progress)
      : file_(file),
        config_(config),
        backend_(backend),
        panels_(std::move(panels)),
        progress_(progress) {
    const bool tied = file.find_tensor(kOutput) == nullptr;
    for (const gguf::Tensor& tensor : file.tensors()) {
      const bool packed = tensor.name == kEmbedding ? tied : tensor.name != kRopeFactors;
      if (packed) total_ += tensor.data.size();
    }
  }

  Status weight(std::string_view name, backend::Place place, Weight& out) {
    const gguf::Tensor& tensor = *file_.find_tensor(name);
    auto packed = pack(tensor, place);
    if (!packed.ok())
      return Error{packed.error().code,
                   fmt::format("{}: tensor {}: {}", file_.path(), name, packed.error().message)};
    out = std::move(packed).value();
    bytes_per_token_ += out->bytes();
    part_.bytes += tensor.data.size();
    part_.elements += tensor.rows() * tensor.cols();
    advance(tensor);
    return {};
  }

  /// Leaves `out` null where the file has no such tensor.
  Status vector(const std::string& name, Vector& out) {
    const gguf::Tensor* tensor = file_.find_tensor(name);
    if (tensor == nullptr) return {};
    std::vector<float> values(tensor->cols());
    tensor::dequantize_row(*tensor->format, tensor->data.data(), values.size(), values.data());
    HANDMILL_TRY(out, backend_.array(1, values.size()));
    backend_.write(*out, 0, values);
    part_.bytes += tensor->data.size();
    advance(*tensor);
    return {};
  }

  Status projection(const std::string& name, backend::Place place, Projection& out) {
    HANDMILL_OK(weight(name + ".weight", place, out.weight));
    return vector(name + ".bias", out.bias);
  }

  Result<Layer> layer(int index) {
    using Role = backend::Place::Role;
    Layer layer;
    auto name = [index](std::string_view part) { return layer_tensor(index, part); };
    HANDMILL_OK(vector(name("attn_norm.weight"), layer.attn_norm));
    HANDMILL_OK(projection(name("attn_q"), {index}, layer.q));
    HANDMILL_OK(projection(name("attn_k"), {index}, layer.k));
    HANDMILL_OK(projection(name("attn_v"), {index}, layer.v));
    HANDMILL_OK(vector(name("attn_q_norm.weight"), layer.q_norm));
    HANDMILL_OK(vector(name("attn_k_norm.weight"), layer.k_norm));
    HANDMILL_OK(projection(name("attn_output"), {index}, layer.attn_output));
    HANDMILL_OK(vector(name("post_attention_norm.weight"), layer.post_attention_norm));
    HANDMILL_OK(vector(name("ffn_norm.weight"), layer.ffn_norm));
    HANDMILL_OK(weight(name("ffn_gate.weight"), {index, Role::kFfnIn}, layer.ffn_gate));
    HANDMILL_OK(weight(name("ffn_up.weight"), {index, Role::kFfnIn}, layer.ffn_up));
    HANDMILL_OK(projection(name("ffn_down"), {index, Role::kFfnOut}, layer.ffn_down));
    HANDMILL_OK(vector(name("post_ffw_norm.weight"), layer.post_ffw_norm));
    if (layer.k.bias && !layer.k_norm) {
      HANDMILL_TRY(layer.k_centre, centres(*layer.k.bias, index));
    }
    return layer;
  }

  uint64_t bytes_per_token() const { return bytes_per_token_; }
  /// What was loaded since this was last asked.
  Part take_part() { return std::exchange(part_, {}); }
  uint64_t mapped_bytes() const { return mapped_bytes_; }

 private:
  Result<Weight> pack(const gguf::Tensor& tensor, backend::Place place) {
    const std::span<const uint8_t> kept =
        panels_ == nullptr ? std::span<const uint8_t>() : panels_->find(tensor.name);
    if (!kept.empty()) {
      auto adopted =
          backend_.adopt(*tensor.format, tensor.rows(), tensor.cols(), place, {kept, panels_});
      if (adopted.ok()) mapped_bytes_ += (*adopted)->packed().size();  // none where a device has it
      return adopted;
    }
    return backend_.pack(*tensor.format, tensor.data, tensor.rows(), tensor.cols(), place,
                         [this](std::span<const uint8_t> part) { file_.release(part); });
  }

  Result<Vector> centres(const backend::Array& bias, int index) {
    std::vector<float> values(bias.cols());
    backend_.read(bias, 0, values);
    const bool local = config_.is_local(index) && !config_.rope_frequency_local.empty();
    const std::vector<float> rows =
        key_centres(values, config_, local ? config_.rope_frequency_local : config_.rope_frequency);
    HANDMILL_TRY(Vector out, backend_.array(backend::kKvBlock, bias.cols()));
    backend_.write(*out, 0, rows);
    return out;
  }

  void advance(const gguf::Tensor& tensor) {
    done_ += tensor.data.size();
    if (progress_) progress_(done_, total_);
  }

  const gguf::File& file_;
  const Config& config_;
  backend::Backend& backend_;
  std::shared_ptr<const Panels> panels_;
  const base::Progress& progress_;
  uint64_t done_ = 0, total_ = 0;
  uint64_t bytes_per_token_ = 0, mapped_bytes_ = 0;
  Part part_;
};

}  // namespace

Result<Weights> load_weights(const gguf::File& file, const Config& config, const LayerParts& parts,
                             backend::Backend& backend, const std::shared_ptr<const Panels>& panels,
                             const base::Progress& progress) {
  HANDMILL_OK(check_tensors(file, config, parts));
  Loader loader(file, config, backend, panels, progress);
  Weights weights;
  for (int i = 0; i < config.layers; ++i) {
    HANDMILL_TRY(Layer layer, loader.layer(i));
    weights.layers.push_back(std::move(layer));
  }
  weights.sizes.body = loader.take_part();
  HANDMILL_OK(loader.vector("output_norm.weight", weights.output_norm));
  const gguf::Tensor& embedding = *file.find_tensor(kEmbedding);
  const bool tied = file.find_tensor(kOutput) == nullptr;
  HANDMILL_OK(loader.weight(tied ? kEmbedding : kOutput, {}, weights.output.weight));
  HANDMILL_OK(loader.vector("output.bias", weights.output.bias));
  weights.embedding = {embedding.format, embedding.data, embedding.rows(), embedding.cols()};
  weights.sizes.head = loader.take_part();
  weights.sizes.embedding_row_bytes = embedding.data.size() / embedding.rows();
  weights.bytes_per_token = loader.bytes_per_token();
  weights.mapped_bytes = loader.mapped_bytes();
  return weights;
}

}  // namespace handmill::model
