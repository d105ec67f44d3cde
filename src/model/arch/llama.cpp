// Llama 2 and 3 and all that took their shape (SmolLM2, Mistral, DeepSeek-R1-Distill-Llama): RMS
// norm, rotary positions, grouped queries, SiLU gate (arXiv 2407.21783). Converters store q and k
// with the two halves of each head interleaved, so neighbours rotate together.
#include "model/arch/arch.h"

namespace handmill::model {
namespace {

Status configure(const Keys&, Config& config) {
  config.rope_neighbours = true;
  return {};
}

}  // namespace

const Architecture kLlama = {"llama", {}, 10000, configure};

}  // namespace handmill::model
