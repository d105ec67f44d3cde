// The architectures that handmill has: a name, what the layers consist of beyond the common parts,
// and what the hyper-parameters mean. A new one is a file beside this and a line in registry.cpp.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "model/keys.h"
#include "model/model.h"

namespace handmill::model {

/// Parts of a layer that only some architectures have. Biases that a file brings for attn_q,
/// attn_k, attn_v, attn_output, ffn_down and the head are read in every architecture.
struct LayerParts {
  bool qkv_bias = false;    // attn_{q,k,v}.bias must be there
  bool qk_norm = false;     // attn_{q,k}_norm: of each head, before the rotation
  bool post_norms = false;  // post_attention_norm, post_ffw_norm: before each residual sum
};

struct Architecture {
  std::string_view name;  // general.architecture
  LayerParts parts;
  double rope_base;  // where the file has no rope.freq_base
  /// The architecture's own hyper-parameters, over the common ones, which are already read.
  Status (*configure)(const Keys& keys, Config& config);
};

std::span<const Architecture* const> all_architectures();
const Architecture* find_architecture(std::string_view name);  // or null

extern const Architecture kLlama, kQwen2, kQwen3, kGemma3;

}  // namespace handmill::model
