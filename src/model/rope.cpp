// Stretching follows the reference implementation in Hugging Face transformers
// (modeling_rope_utils.py).
#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "base/quote.h"
#include "model/limits.h"
#include "model/tensors.h"

namespace handmill::model {
namespace {

constexpr double kMaxBase = 1e12;
constexpr double kMaxFactor = 65536;

/// The dimension pair that turns `turns` times over `context` positions; not a whole number.
double pair_of_turns(double turns, int dims, double base, int context) {
  return dims * std::log(context / (turns * 2 * std::numbers::pi)) / (2 * std::log(base));
}

/// Pairs that turn often keep their frequency, slow ones are interpolated, with a ramp between.
Status apply_yarn(const Keys& keys, double base, double factor, Config& config) {
  HANDMILL_OK(keys.require("rope.scaling.yarn_ext_factor", 1));
  HANDMILL_OK(keys.require("rope.scaling.yarn_attn_factor", 1));
  HANDMILL_OK(keys.require("rope.scaling.yarn_log_multiplier", 0));
  HANDMILL_TRY(const double fast, keys.number_or("rope.scaling.yarn_beta_fast", 32, 1e-3, 1e6));
  HANDMILL_TRY(const double slow, keys.number_or("rope.scaling.yarn_beta_slow", 1, 1e-3, 1e6));
  HANDMILL_TRY(const double magnitude, keys.number_or("rope.scaling.attn_factor", 1, 1e-3, 1e3));
  HANDMILL_TRY(const int context,
               keys.count_or("rope.scaling.original_context_length", config.context, kMaxContext));
  if (config.rope_dims != config.head_dim)
    return base::unsupported("{} is {}: handmill supports YaRN only where whole heads rotate ({})",
                             keys.name("rope.dimension_count"), config.rope_dims, config.head_dim);
  const int dims = config.rope_dims;
  const double low = std::max(0.0, std::floor(pair_of_turns(fast, dims, base, context)));
  const double high = std::min(dims - 1.0, std::ceil(pair_of_turns(slow, dims, base, context)));
  for (size_t i = 0; i < config.rope_frequency.size(); ++i) {
    const double ramp =
        std::clamp((static_cast<double>(i) - low) / std::max(high - low, 1e-3), 0.0, 1.0);
    config.rope_frequency[i] *= (1 - ramp) + ramp / factor;
  }
  // The paper scales q and k each; their product takes the square.
  const double each = magnitude * (1 + 0.1 * std::log(factor));
  config.attention_scale = static_cast<float>(config.attention_scale * each * each);
  return {};
}

/// Llama 3: each frequency is divided by the file's own factor.
Status apply_factors(const gguf::File& file, Config& config) {
  const gguf::Tensor* tensor = file.find_tensor(kRopeFactors);
  if (tensor == nullptr) return {};
  const size_t n = config.rope_frequency.size();
  if (tensor->format->type != tensor::Type::kF32 || tensor->cols() != n || tensor->rows() != 1)
    return base::invalid("{}: tensor {} is {} [{}, {}]; expected f32 [{}]", file.path(),
                         kRopeFactors, tensor->format->name, tensor->cols(), tensor->rows(), n);
  std::vector<float> factors(n);
  tensor::dequantize_row(*tensor->format, tensor->data.data(), n, factors.data());
  for (size_t i = 0; i < n; ++i) {
    if (!(factors[i] > 0 && std::isfinite(factors[i])))
      return base::invalid("{}: tensor {}[{}] is {}; it must be positive", file.path(),
                           kRopeFactors, i, factors[i]);
    config.rope_frequency[i] /= static_cast<double>(factors[i]);
  }
  return {};
}

}  // namespace

std::vector<double> rope_frequencies(int dims, double base) {
  std::vector<double> frequency(static_cast<size_t>(dims / 2));
  for (size_t i = 0; i < frequency.size(); ++i)
    frequency[i] = std::pow(base, -2.0 * static_cast<double>(i) / dims);
  return frequency;
}

Status read_rope(const Keys& keys, double default_base, Config& config) {
  HANDMILL_TRY(const double base, keys.number_or("rope.freq_base", default_base, 1.0001, kMaxBase));
  config.rope_frequency = rope_frequencies(config.rope_dims, base);

  HANDMILL_TRY(const std::string_view type, keys.text_or("rope.scaling.type", "linear"));
  const char* factor_key =
      keys.has("rope.scaling.factor") ? "rope.scaling.factor" : "rope.scale_linear";  // older files
  HANDMILL_TRY(const double factor, keys.number_or(factor_key, 1, 1, kMaxFactor));
  if (type == "linear") {
    for (double& frequency : config.rope_frequency) frequency /= factor;
  } else if (type == "yarn") {
    HANDMILL_OK(apply_yarn(keys, base, factor, config));
  } else if (type != "none") {
    return base::unsupported("{} is {}; handmill supports none, linear and yarn",
                             keys.name("rope.scaling.type"), base::quoted(type));
  }
  return apply_factors(keys.file(), config);
}

}  // namespace handmill::model
