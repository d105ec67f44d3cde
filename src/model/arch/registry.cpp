// The list. Explicit, because a linker drops objects of a static library that only register
// themselves.
#include <algorithm>

#include "model/arch/arch.h"

namespace handmill::model {
namespace {

constexpr const Architecture* kArchitectures[] = {
    &kLlama,
    &kQwen2,
    &kQwen3,
    &kGemma3,
};

}  // namespace

std::span<const Architecture* const> all_architectures() { return kArchitectures; }

const Architecture* find_architecture(std::string_view name) {
  const auto* found = std::ranges::find(kArchitectures, name, &Architecture::name);
  return found == std::end(kArchitectures) ? nullptr : *found;
}

}  // namespace handmill::model
