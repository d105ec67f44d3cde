// The figures of this machine as `handmill probe` measured them last, for the commands that
// predict. One JSON file for each combination of processor, instruction set and number of threads,
// in machines/ of handmill's home: a home can be shared by many machines.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "measure/machine.h"

namespace handmill::cli {

/// machines/NAME-ISA.json in the home folder, with nothing but letters, digits and '-' from the
/// name ("amd-epyc-9654-2-threads-avx512vnni.json"); empty without a home.
std::string machine_path(const measure::Machine& machine);

/// What is kept of this machine with as many threads as handmill computes with unless told
/// otherwise, or with `threads` > 0 of them; nothing where it was never measured. A file that does
/// not parse is an error that names it.
Result<std::optional<measure::Machine>> kept_machine(int threads = 0);

/// Replaces what was kept under the machine's name and engine, whole or not at all.
Status keep_machine(const measure::Machine& machine);

}  // namespace handmill::cli
