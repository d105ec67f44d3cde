// The table of a decoder's tensors, held against a file's.
#include "model/tensors.h"

#include <unordered_set>

#include "base/error.h"
#include "base/quote.h"

namespace handmill::model {
namespace {

class Checker {
 public:
  Checker(const gguf::File& file, const Config& config) : file_(file), config_(config) {}

  /// A matrix [rows, cols]; a vector where rows is 1.
  void expect(const std::string& name, int rows, int cols, bool required = true) {
    if (!error_.ok()) return;
    const gguf::Tensor* tensor = file_.find_tensor(name);
    if (tensor == nullptr) {
      if (required) error_ = base::invalid("{}: no tensor {}", file_.path(), name);
      return;
    }
    known_.insert(tensor->name);
    const uint64_t want_rows = static_cast<uint64_t>(rows);
    if (tensor->cols() != static_cast<uint64_t>(cols) || tensor->shape[1] != want_rows ||
        tensor->rows() != want_rows)
      error_ = base::invalid("{}: tensor {} is {}; expected [{}, {}]", file_.path(), name,
                             shape(*tensor), cols, rows);
  }
  void vector(const std::string& name, int n, bool required = true) {
    expect(name, 1, n, required);
  }
  /// NAME.weight [rows, cols] and NAME.bias [rows].
  void linear(const std::string& name, int rows, int cols, bool bias_required = false) {
    expect(name + ".weight", rows, cols);
    vector(name + ".bias", rows, bias_required);
  }
  void ignore(std::string_view name) { known_.insert(name); }

  Status finish() const {
    if (!error_.ok()) return error_;
    for (const gguf::Tensor& tensor : file_.tensors())
      if (!known_.contains(tensor.name))
        return base::unsupported("{}: tensor {} is not part of handmill's architecture {}",
                                 file_.path(), base::quoted(tensor.name), config_.architecture);
    return {};
  }

 private:
  static std::string shape(const gguf::Tensor& tensor) {
    std::string text = fmt::format("[{}", tensor.shape[0]);
    for (int i = 1; i < tensor.n_dims; ++i) text += fmt::format(", {}", tensor.shape[i]);
    return text + "]";
  }

  const gguf::File& file_;
  const Config& config_;
  std::unordered_set<std::string_view> known_;
  Status error_;
};

void check_layer(const Config& c, const LayerParts& parts, int layer, Checker& checker) {
  auto name = [layer](std::string_view part) { return layer_tensor(layer, part); };
  const int q = c.heads * c.head_dim, kv = c.kv_heads * c.head_dim;
  checker.vector(name("attn_norm.weight"), c.width);
  checker.linear(name("attn_q"), q, c.width, parts.qkv_bias);
  checker.linear(name("attn_k"), kv, c.width, parts.qkv_bias);
  checker.linear(name("attn_v"), kv, c.width, parts.qkv_bias);
  checker.linear(name("attn_output"), c.width, q);
  checker.vector(name("ffn_norm.weight"), c.width);
  checker.expect(name("ffn_gate.weight"), c.ffn_width, c.width);
  checker.expect(name("ffn_up.weight"), c.ffn_width, c.width);
  checker.linear(name("ffn_down"), c.width, c.ffn_width);
  if (parts.qk_norm) {
    checker.vector(name("attn_q_norm.weight"), c.head_dim);
    checker.vector(name("attn_k_norm.weight"), c.head_dim);
  }
  if (parts.post_norms) {
    checker.vector(name("post_attention_norm.weight"), c.width);
    checker.vector(name("post_ffw_norm.weight"), c.width);
  }
}

}  // namespace

std::string layer_tensor(int layer, std::string_view part) {
  return fmt::format("blk.{}.{}", layer, part);
}

Status check_tensors(const gguf::File& file, const Config& config, const LayerParts& parts) {
  Checker checker(file, config);
  checker.expect(std::string(kEmbedding), config.vocab, config.width);
  checker.vector("output_norm.weight", config.width);
  checker.expect(std::string(kOutput), config.vocab, config.width, false);
  checker.vector("output.bias", config.vocab, false);
  checker.ignore(kRopeFactors);  // read and checked with the hyper-parameters
  for (int layer = 0; layer < config.layers; ++layer) check_layer(config, parts, layer, checker);
  return checker.finish();
}

}  // namespace handmill::model
