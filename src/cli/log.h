// Where warnings go: one line each on standard error, in the form of the program's own errors.
#pragma once

namespace handmill::cli {

/// HANDMILL_LOG=debug|info|warning|error|off chooses what is shown; warnings and errors without it.
void log_to_stderr();

}  // namespace handmill::cli
