// Qwen3, dense: no biases, an RMS norm of every q and k head before the rotation, and heads whose
// size is a key of its own (arXiv 2505.09388).
#include "model/arch/arch.h"

namespace handmill::model {
namespace {

Status configure(const Keys&, Config&) { return {}; }

}  // namespace

const Architecture kQwen3 = {"qwen3", {.qk_norm = true}, 10000, configure};

}  // namespace handmill::model
