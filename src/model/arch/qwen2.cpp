// Qwen2, Qwen2.5 and Coder, DeepSeek-R1-Distill-Qwen: Llama's shape with biases on q, k and v
// (arXiv 2407.10671); the halves of a head rotate.
#include "model/arch/arch.h"

namespace handmill::model {
namespace {

Status configure(const Keys&, Config&) { return {}; }

}  // namespace

const Architecture kQwen2 = {"qwen2", {.qkv_bias = true}, 10000, configure};

}  // namespace handmill::model
