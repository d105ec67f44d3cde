// Gemma 3 (arXiv 2503.19786): five local layers with a sliding window for every global one, norms
// before and after each block, q and k norms, GELU. Converters store norm weights with their +1.
#include <cmath>

#include "model/arch/arch.h"
#include "model/limits.h"
#include "model/rope.h"

namespace handmill::model {
namespace {

constexpr int kLayersOf27B = 62;

Status configure(const Keys& keys, Config& config) {
  HANDMILL_OK(keys.require("final_logit_softcapping", 0));
  HANDMILL_OK(keys.require("attn_logit_softcapping", 0));
  config.activation = backend::Activation::kGeluTanh;
  config.embed_scale = std::sqrt(static_cast<float>(config.width));
  if (config.layers == kLayersOf27B) {  // scales by the width of a head's share, not its size
    const double head_dim = static_cast<double>(config.width) / config.heads;
    config.attention_scale *= static_cast<float>(std::sqrt(config.head_dim / head_dim));
  }
  HANDMILL_TRY(config.window, keys.count_or("attention.sliding_window", 0, kMaxContext));
  HANDMILL_TRY(config.window_pattern,
               keys.count_or("attention.sliding_window_pattern", 6, kMaxLayers));
  HANDMILL_TRY(const double base, keys.number_or("rope.freq_base_swa", 10000, 1.0001, 1e12));
  config.rope_frequency_local = rope_frequencies(config.rope_dims, base);
  return {};
}

}  // namespace

const Architecture kGemma3 = {"gemma3", {.qk_norm = true, .post_norms = true}, 1e6, configure};

}  // namespace handmill::model
