// A model's shape without its file: the tensor table that llama.cpp's quantizer writes for a
// catalogue entry, from the published rules of its mixes (llama-quant.cpp): which tensors of which
// layers get more bits, and what stands in where a width is no multiple of a block. A file that
// someone else mixed differs; its own table is then the truth (read_shape).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "backend/backend.h"
#include "base/result.h"
#include "measure/catalogue.h"
#include "measure/shape.h"
#include "tensor/format.h"

namespace handmill::measure {

inline constexpr int kExpertsMax = 4096;

struct Mix {
  std::string_view name;  // "q4_k_m", as a file's name has it in small letters
  tensor::Type base;      // of the tensors that no rule names
  tensor::Type more;      // of half of attn_v and ffn_down; `base` where the mix has no such half
};
std::span<const Mix> mixes();  // from fewest to most bits
const Mix* find_mix(std::string_view name);
std::string mix_names();  // for messages

/// Whether handmill can run a model of this shape; otherwise its memory is all that is told.
bool handmill_runs(const CatalogueShape& shape);

/// The parts of a mixture of experts are those that one token uses, so its decode is counted and
/// its prefill is not. kUnsupported where the layers of the architecture, or this mix of it, are
/// not known.
Result<Shape> shape_of(const CatalogueModel& model, const Mix& mix,
                       const backend::Backend& backend);

}  // namespace handmill::measure
