#include "measure/mix.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/quote.h"
#include "model/arch/arch.h"

namespace handmill::measure {
namespace {

using tensor::Type;

constexpr std::array kMixes = {
    Mix{"q3_k_m", Type::kQ3_K, Type::kQ4_K}, Mix{"mxfp4", Type::kMXFP4, Type::kMXFP4},
    Mix{"q4_0", Type::kQ4_0, Type::kQ4_0},   Mix{"q4_k_m", Type::kQ4_K, Type::kQ6_K},
    Mix{"q5_k_m", Type::kQ5_K, Type::kQ6_K}, Mix{"q6_k", Type::kQ6_K, Type::kQ6_K},
    Mix{"q8_0", Type::kQ8_0, Type::kQ8_0},   Mix{"bf16", Type::kBF16, Type::kBF16},
    Mix{"f16", Type::kF16, Type::kF16},
};

/// What a layer has beyond attn_{q,k,v,output}, ffn_{gate,up,down} and its two norms.
struct Layout {
  std::string_view architecture;
  model::LayerParts parts;
  bool fused_qkv = false;     // attn_qkv instead of the three
  bool fused_up = false;      // ffn_up holds the gate too
  bool open_weights = false;  // gpt-oss: biases everywhere, sinks, and experts in mxfp4 alone
};
/// Those that handmill does not run.
constexpr std::array kLayouts = {
    Layout{"phi3", {}, true, true},
    Layout{"glm4", {.qkv_bias = true, .post_norms = true}, false, true},
    Layout{"qwen3moe", {.qk_norm = true}},
    Layout{"gpt-oss", {.qkv_bias = true}, false, false, true},
};

Result<Layout> layout_of(const CatalogueShape& shape) {
  if (const auto* known = model::find_architecture(shape.architecture))
    return Layout{known->name, known->parts};
  for (const Layout& layout : kLayouts)
    if (layout.architecture == shape.architecture) return layout;
  return base::unsupported("the layers of architecture {} are not known",
                           base::quoted(shape.architecture));
}

enum class Role { kPlain, kQueryKey, kValue, kDown, kAttentionOutput, kFusedQkv };

/// The quantizer's "use more bits": the first and the last eighth of the layers, and of those
/// between every third.
bool gets_more(int layer, int layers) {
  const int eighth = layers / 8;
  return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

Type q3_type(Role role, int layer, int layers) {
  switch (role) {
    case Role::kValue: return layer < 2 ? Type::kQ5_K : Type::kQ4_K;
    case Role::kDown: return layer < layers / 16 ? Type::kQ5_K : Type::kQ4_K;
    case Role::kAttentionOutput:
    case Role::kFusedQkv: return Type::kQ4_K;
    case Role::kPlain:
    case Role::kQueryKey: break;
  }
  return Type::kQ3_K;
}

Type wanted_type(const Mix& mix, Role role, int layer, int layers) {
  if (mix.base == mix.more) return mix.base;
  if (mix.base == Type::kQ3_K) return q3_type(role, layer, layers);
  if (role == Role::kFusedQkv) return mix.base == Type::kQ4_K ? Type::kQ5_K : Type::kQ6_K;
  const bool half = role == Role::kValue || role == Role::kDown;
  return half && gets_more(layer, layers) ? mix.more : mix.base;
}

/// Where rows are no whole number of 256-element blocks.
const tensor::Format& fitting(Type type, int cols) {
  const tensor::Format* format = tensor::find_format(type);
  if (cols % format->block_cols == 0) return *format;
  switch (type) {
    case Type::kQ3_K: return *tensor::find_format(Type::kIQ4_NL);
    case Type::kQ4_K: return *tensor::find_format(Type::kQ5_0);
    case Type::kQ5_K: return *tensor::find_format(Type::kQ5_1);
    default: return *tensor::find_format(Type::kQ8_0);
  }
}

class Table {
 public:
  Table(const CatalogueShape& shape, const Layout& layout, const Mix& mix)
      : s_(shape), layout_(layout), mix_(mix) {}

  Shape fill() {
    const Type outer = mix_.base == Type::kMXFP4 ? Type::kQ8_0 : mix_.base;
    const tensor::Format& head = fitting(head_type(), s_.width);
    if (s_.tied) {
      shape_.embedding_row_bytes = row_bytes(head, s_.width);
    } else {
      const tensor::Format& embedding = fitting(outer, s_.width);
      shape_.embedding_row_bytes = row_bytes(embedding, s_.width);
      count(embedding, size(s_.vocab), s_.width);
    }
    add(PartKind::kHead, head, size(s_.vocab), s_.width, 1, true);
    vector(s_.width, true);
    for (int layer = 0; layer < s_.layers; ++layer) {
      attention(layer);
      if (s_.experts > 0)
        experts(layer);
      else
        feed_forward(layer);
    }
    if (s_.rope_factors > 0) count(floats(), 1, s_.rope_factors);
    return std::move(shape_);
  }

 private:
  static uint64_t size(int n) { return static_cast<uint64_t>(n); }
  static const tensor::Format& floats() { return *tensor::find_format(Type::kF32); }
  static uint64_t row_bytes(const tensor::Format& format, int cols) {
    return static_cast<uint64_t>(cols / format.block_cols) *
           static_cast<uint64_t>(format.block_bytes);
  }
  Type head_type() const {
    switch (mix_.base) {
      case Type::kF16:
      case Type::kBF16: return mix_.base;
      case Type::kQ8_0:
      case Type::kMXFP4: return Type::kQ8_0;
      default: return Type::kQ6_K;
    }
  }
  uint64_t count(const tensor::Format& format, uint64_t rows, int cols) {
    const uint64_t bytes = row_bytes(format, cols) * rows;
    shape_.file_bytes += bytes;
    shape_.parameters += rows * static_cast<uint64_t>(cols);
    return bytes;
  }
  /// `rows` are of all experts, of which one token uses a share.
  void add(PartKind kind, const tensor::Format& format, uint64_t rows, int cols, double share,
           bool once, int codings = 1) {
    const uint64_t bytes = count(format, rows, cols);
    const bool product = kind != PartKind::kNorms;
    ShapePart part;
    part.kind = kind;
    part.format = std::string(format.name);
    part.bytes = static_cast<uint64_t>(share * static_cast<double>(bytes));
    if (product) part.elements = static_cast<uint64_t>(share * static_cast<double>(rows) * cols);
    part.once = once;
    part.codings = codings;
    for (ShapePart& known : shape_.parts) {
      if (known.kind != kind || known.once != once || known.codings != codings ||
          known.format != part.format)
        continue;
      known.bytes += part.bytes;
      known.elements += part.elements;
      return;
    }
    shape_.parts.push_back(std::move(part));
  }
  void vector(int n, bool once = false) { add(PartKind::kNorms, floats(), 1, n, 1, once); }
  void matrix(PartKind kind, Role role, int layer, int rows, int cols) {
    const bool open = mix_.base == Type::kMXFP4;  // which only experts are in
    const Type type = open ? Type::kQ8_0 : wanted_type(mix_, role, layer, s_.layers);
    const bool input = role == Role::kQueryKey || role == Role::kValue;
    add(kind, fitting(type, cols), size(rows), cols, 1, false,
        input && s_.width < model::kFineInputBelow ? 2 : 1);
  }

  void attention(int layer) {
    const int q = s_.heads * s_.head_dim, kv = s_.kv_heads * s_.head_dim;
    const auto add_matrix = [&](Role role, int rows, int cols) {
      matrix(PartKind::kAttention, role, layer, rows, cols);
    };
    vector(s_.width);
    if (layout_.fused_qkv) {
      add_matrix(Role::kFusedQkv, q + 2 * kv, s_.width);
    } else {
      add_matrix(Role::kQueryKey, q, s_.width);
      add_matrix(Role::kQueryKey, kv, s_.width);
      add_matrix(Role::kValue, kv, s_.width);
      if (layout_.parts.qkv_bias) vector(q + 2 * kv);
    }
    add_matrix(Role::kAttentionOutput, s_.width, q);
    if (layout_.parts.qk_norm) vector(2 * s_.head_dim);
    if (layout_.parts.post_norms) vector(2 * s_.width);
    if (layout_.open_weights) vector(s_.width + s_.heads);
  }
  void feed_forward(int layer) {
    vector(s_.width);
    matrix(PartKind::kFeedForward, Role::kPlain, layer, 2 * s_.ffn_width, s_.width);
    matrix(PartKind::kFeedForward, Role::kDown, layer, s_.width, s_.ffn_width);
  }
  void experts(int layer) {
    const double share = static_cast<double>(s_.experts_used) / s_.experts;
    const auto add_experts = [&](Role role, int rows, int cols) {
      const Type type = wanted_type(mix_, role, layer, s_.layers);
      add(PartKind::kFeedForward, fitting(type, cols), size(rows) * size(s_.experts), cols, share,
          false);
    };
    vector(s_.width);
    add(PartKind::kFeedForward, floats(), size(s_.experts), s_.width, 1, false);  // the router
    add_experts(Role::kPlain, 2 * s_.ffn_width, s_.width);
    add_experts(Role::kDown, s_.width, s_.ffn_width);
    if (layout_.open_weights) vector(s_.experts * (1 + 2 * s_.ffn_width + s_.width));
  }

  const CatalogueShape& s_;
  const Layout& layout_;
  const Mix& mix_;
  Shape shape_;
};

model::Config config_of(const CatalogueShape& shape) {
  model::Config config;
  config.architecture = shape.architecture;
  config.layers = shape.layers;
  config.width = shape.width;
  config.heads = shape.heads;
  config.kv_heads = shape.kv_heads;
  config.head_dim = shape.head_dim;
  config.ffn_width = shape.ffn_width;
  config.vocab = shape.vocab;
  config.context = shape.context;
  config.fine_attention_input = shape.width < model::kFineInputBelow;
  config.window = shape.window;
  config.window_pattern = shape.window_pattern;
  return config;
}

}  // namespace

std::span<const Mix> mixes() { return kMixes; }

const Mix* find_mix(std::string_view name) {
  const auto* at = std::ranges::find(kMixes, name, &Mix::name);
  return at == kMixes.end() ? nullptr : at;
}

std::string mix_names() {
  std::string names;
  for (const Mix& mix : kMixes) names += (names.empty() ? "" : ", ") + std::string(mix.name);
  return names;
}

bool handmill_runs(const CatalogueShape& shape) {
  return shape.experts == 0 && model::find_architecture(shape.architecture) != nullptr;
}

Result<Shape> shape_of(const CatalogueModel& model, const Mix& mix,
                       const backend::Backend& backend) {
  HANDMILL_TRY(const Layout layout, layout_of(model.shape));
  if ((mix.base == Type::kMXFP4) != layout.open_weights)
    return base::unsupported("{} is not published as {}", model.name, mix.name);
  Shape shape = Table(model.shape, layout, mix).fill();
  shape.config = config_of(model.shape);
  shape.file_bytes += model.header_bytes;
  const backend::KvShape kv{model.shape.layers, model.shape.kv_heads, model.shape.head_dim,
                            backend::KvType::kF16};
  shape.kv_block_bytes_f16 = backend.kv_block_bytes(kv);
  shape.kv_block_bytes_q8_0 =
      backend.kv_block_bytes({kv.layers, kv.kv_heads, kv.head_dim, backend::KvType::kQ8_0});
  return shape;
}

}  // namespace handmill::measure
