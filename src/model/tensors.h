// Names and shapes of the tensors that a model must have, may have, and must not have, checked
// before any is packed. Serves weights.cpp, which then may trust the file.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "gguf/file.h"
#include "model/arch/arch.h"
#include "model/model.h"

namespace handmill::model {

inline constexpr std::string_view kEmbedding = "token_embd.weight";
inline constexpr std::string_view kOutput = "output.weight";  // missing: tied to kEmbedding
inline constexpr std::string_view kRopeFactors = "rope_freqs.weight";

/// "blk.3.attn_q.weight" for 3 and "attn_q.weight".
std::string layer_tensor(int layer, std::string_view part);

/// An error names the tensor, and the shape expected and found. A tensor that the architecture does
/// not know is kUnsupported: computing without it would answer, and wrongly.
Status check_tensors(const gguf::File& file, const Config& config, const LayerParts& parts);

}  // namespace handmill::model
