// The forward pass: one page that reads like the paper (arXiv 1706.03762, 2407.21783), for every
// architecture. Everything is in terms of backend operations on the first n rows of a few buffers,
// which are made once.
#include "model/model.h"

#include <algorithm>
#include <cassert>

#include "base/error.h"
#include "model/arch/arch.h"
#include "model/weights.h"

namespace handmill::model {
namespace {

using backend::Array;
using backend::Linear;

/// What flows between the operations.
struct Buffers {
  std::unique_ptr<Array> x;  // [max_rows, width], the residual stream
  std::unique_ptr<Array>
      y;  // [max_rows, width], a block's output before its post-norm; or hidden()
  std::unique_ptr<Array> q, k, v;  // [max_rows, heads or kv_heads · head_dim]
  std::unique_ptr<Array> angles;   // [max_rows, rope_dims]
  std::unique_ptr<Array> local_angles;
  std::unique_ptr<backend::Activations> attention_input;  // [max_rows, width]
  std::unique_ptr<backend::Activations> ffn_input;        // [max_rows, width]
  std::unique_ptr<backend::Activations> attended;         // [max_rows, heads · head_dim]
  std::unique_ptr<backend::Activations> hidden;           // [max_rows, ffn_width]
  std::unique_ptr<backend::Activations> final;            // [max_outputs, width]
  std::unique_ptr<Array> logits;                          // [max_outputs, vocab]
};

/// Makes `form` serve one more matrix that reads it.
void serve(backend::InputForm& form, const Weight& weight) {
  (weight->is_float() ? form.floats : form.codes) = true;
}

class Decoder final : public Model {
 public:
  Decoder(Config config, Weights weights, backend::Backend& backend, int max_outputs)
      : config_(std::move(config)),
        weights_(std::move(weights)),
        backend_(backend),
        max_outputs_(max_outputs),
        rope_{config_.rope_neighbours, config_.rope_dims, config_.rope_frequency},
        local_rope_{config_.rope_neighbours, config_.rope_dims, config_.rope_frequency_local} {}

  Status make_buffers(size_t rows, size_t outputs);

  const Config& config() const override { return config_; }
  uint64_t bytes_per_token() const override { return weights_.bytes_per_token; }
  Work work(const backend::Batch& batch, size_t outputs,
            const backend::KvStore& store) const override {
    return count_work(config_, weights_.sizes, batch, outputs, store.block_bytes());
  }
  uint64_t mapped_bytes() const override { return weights_.mapped_bytes; }
  backend::KvShape kv_shape(backend::KvType type) const override {
    return {config_.layers, config_.kv_heads, config_.head_dim, type};
  }
  const Array& forward(std::span<const int32_t> tokens, const backend::Batch& batch,
                       backend::KvStore& store, std::span<const int32_t> outputs) override;
  const Array& logits(std::span<const int32_t> rows) override;
  const Array& hidden(int n) override;

 private:
  void attention_block(int index, const backend::Batch& batch, backend::KvStore& store);
  void feed_forward_block(const Layer& layer, int n);
  void add(const backend::Activations& in, const Projection& projection, const Vector& post_norm,
           int n);

  Config config_;
  Weights weights_;
  backend::Backend& backend_;
  int max_outputs_;
  backend::Rope rope_, local_rope_;
  Buffers buffers_;
};

const Array& Decoder::forward(std::span<const int32_t> tokens, const backend::Batch& batch,
                              backend::KvStore& store, std::span<const int32_t> outputs) {
  assert(tokens.size() == batch.positions.size() && tokens.size() <= buffers_.x->rows());
  backend_.embed(weights_.embedding, tokens, config_.embed_scale, *buffers_.x);
  backend_.angles(rope_, batch.positions, *buffers_.angles);
  if (buffers_.local_angles) backend_.angles(local_rope_, batch.positions, *buffers_.local_angles);
  for (int i = 0; i < config_.layers; ++i) {
    attention_block(i, batch, store);
    feed_forward_block(weights_.layers[i], batch.size());
  }
  return logits(outputs);
}

void Decoder::attention_block(int index, const backend::Batch& batch, backend::KvStore& store) {
  const Layer& layer = weights_.layers[index];
  const bool local = config_.is_local(index);
  const int n = batch.size();
  const backend::Attention attention = {
      .heads = config_.heads,
      .kv_heads = config_.kv_heads,
      .head_dim = config_.head_dim,
      .scale = config_.attention_scale,
      .window = local ? config_.window : 0,
      .neighbours = config_.rope_neighbours,
      .rope_dims = config_.rope_dims,
      .q_norm = layer.q_norm.get(),
      .k_norm = layer.k_norm.get(),
      .eps = config_.eps,
      .k_centre = layer.k_centre.get(),
  };
  auto& b = buffers_;
  const Array& turns = local && b.local_angles ? *b.local_angles : *b.angles;
  backend_.norm(*b.x, *layer.attn_norm, config_.eps, {}, n, *b.attention_input);
  const Linear products[] = {layer.q.into(*b.q), layer.k.into(*b.k), layer.v.into(*b.v)};
  backend_.linear(*b.attention_input, n, products);
  backend_.attend(attention, batch, turns, *b.q, *b.k, *b.v, store, index, *b.attended);
  add(*b.attended, layer.attn_output, layer.post_attention_norm, n);
}

void Decoder::feed_forward_block(const Layer& layer, int n) {
  backend_.norm(*buffers_.x, *layer.ffn_norm, config_.eps, {}, n, *buffers_.ffn_input);
  backend_.gated(*buffers_.ffn_input, n, *layer.ffn_gate, *layer.ffn_up, config_.activation,
                 *buffers_.hidden);
  add(*buffers_.hidden, layer.ffn_down, layer.post_ffw_norm, n);
}

/// x += projection(in), normed first where the architecture has post-norms.
void Decoder::add(const backend::Activations& in, const Projection& projection,
                  const Vector& post_norm, int n) {
  if (!post_norm) {
    backend_.linear_add(in, n, *projection.weight, projection.bias.get(), *buffers_.x);
    return;
  }
  const Linear product = projection.into(*buffers_.y);
  backend_.linear(in, n, {&product, 1});
  backend_.norm_add(*buffers_.y, *post_norm, config_.eps, n, *buffers_.x);
}

const Array& Decoder::logits(std::span<const int32_t> rows) {
  const int n = static_cast<int>(rows.size());
  assert(n <= max_outputs_);
  if (n > 0) {
    backend_.norm(*buffers_.x, *weights_.output_norm, config_.eps, rows, n, *buffers_.final);
    const Linear head = weights_.output.into(*buffers_.logits);
    backend_.linear(*buffers_.final, n, {&head, 1});
  }
  return *buffers_.logits;
}

const Array& Decoder::hidden(int n) {
  assert(n <= static_cast<int>(buffers_.y->rows()));
  backend_.write(*buffers_.y, 0, std::vector<float>(static_cast<size_t>(n) * buffers_.y->cols()));
  backend_.norm_add(*buffers_.x, *weights_.output_norm, config_.eps, n, *buffers_.y);
  return *buffers_.y;
}

Status Decoder::make_buffers(size_t rows, size_t outputs) {
  backend::InputForm attention_input, ffn_input, attended, hidden, final;
  attention_input.fine = config_.fine_attention_input;
  for (const Layer& layer : weights_.layers) {
    for (const Projection* one : {&layer.q, &layer.k, &layer.v})
      serve(attention_input, one->weight);
    for (const Weight* weight : {&layer.ffn_gate, &layer.ffn_up}) serve(ffn_input, *weight);
    serve(attended, layer.attn_output.weight);
    serve(hidden, layer.ffn_down.weight);
  }
  serve(final, weights_.output.weight);
  const auto size = [](int n) { return static_cast<size_t>(n); };
  const size_t width = size(config_.width), dims = size(config_.rope_dims);
  const size_t q = size(config_.heads * config_.head_dim);
  const size_t kv = size(config_.kv_heads * config_.head_dim);
  auto& b = buffers_;
  HANDMILL_TRY(b.x, backend_.array(rows, width));
  HANDMILL_TRY(b.y, backend_.array(rows, width));
  HANDMILL_TRY(b.q, backend_.array(rows, q));
  HANDMILL_TRY(b.k, backend_.array(rows, kv));
  HANDMILL_TRY(b.v, backend_.array(rows, kv));
  HANDMILL_TRY(b.angles, backend_.array(rows, dims));
  if (!config_.rope_frequency_local.empty()) {
    HANDMILL_TRY(b.local_angles, backend_.array(rows, dims));
  }
  HANDMILL_TRY(b.attention_input, backend_.activations(rows, width, attention_input));
  HANDMILL_TRY(b.ffn_input, backend_.activations(rows, width, ffn_input));
  HANDMILL_TRY(b.attended, backend_.activations(rows, q, attended));
  HANDMILL_TRY(b.hidden, backend_.activations(rows, size(config_.ffn_width), hidden));
  HANDMILL_TRY(b.final, backend_.activations(outputs, width, final));
  HANDMILL_TRY(b.logits, backend_.array(outputs, size(config_.vocab)));
  return {};
}

}  // namespace

Result<std::unique_ptr<Model>> Model::load(const gguf::File& file, backend::Backend& backend,
                                           int max_rows, int max_outputs,
                                           const base::Progress& progress,
                                           std::shared_ptr<const Panels> panels) {
  assert(max_rows > 0 && max_outputs > 0);
  if (!file.has_data())
    return base::invalid("{}: only the header was read; the weights are not here", file.path());
  HANDMILL_TRY(Config config, read_config(file));
  const LayerParts& parts = find_architecture(config.architecture)->parts;
  HANDMILL_TRY(Weights weights, load_weights(file, config, parts, backend, panels, progress));
  auto model =
      std::make_unique<Decoder>(std::move(config), std::move(weights), backend, max_outputs);
  HANDMILL_OK(model->make_buffers(static_cast<size_t>(max_rows), static_cast<size_t>(max_outputs)));
  return std::unique_ptr<Model>(std::move(model));
}

}  // namespace handmill::model
