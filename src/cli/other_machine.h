// The machine that --on names, for the commands that predict: one that is elsewhere, or a graphics
// processor of this one.
#pragma once

#include <string>

#include "base/result.h"
#include "measure/machines.h"

namespace handmill::cli {

/// As measure::given_machine; or a Vulkan device of this machine, by what --gpu takes for it
/// ("gpu": the one that it would choose), with the figures that probe measured and kept and the
/// memory that is free now. `threads` as for kept_machine. kNotFound says what there is.
Result<measure::GivenMachine> other_machine(const std::string& on, int threads);

/// For help pages.
inline constexpr const char* kOnHelp =
    "Another machine, or a Vulkan device of this one: its name, or gpu [this, as probe kept it]";

}  // namespace handmill::cli
