// Frequencies of the rotary position embedding, and the ways in which files stretch them to longer
// contexts: linear interpolation, YaRN (arXiv 2309.00071), and Llama 3's table of factors. A way
// that handmill lacks is an error, never ignored: the model would answer, and wrongly.
#pragma once

#include <vector>

#include "base/result.h"
#include "model/keys.h"
#include "model/model.h"

namespace handmill::model {

/// base^(−2i / dims) for i < dims / 2: radians per position.
std::vector<double> rope_frequencies(int dims, double base);

/// Sets config.rope_frequency from rope.freq_base, rope.scaling.* and the tensor rope_freqs.weight,
/// and multiplies config.attention_scale by YaRN's magnitude. REQUIRES: rope_dims, head_dim,
/// context and attention_scale are set.
Status read_rope(const Keys& keys, double default_base, Config& config);

}  // namespace handmill::model
