// Text from files and standard input, all of it, up to a limit.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace handmill::cli {

inline constexpr size_t kMostInput = size_t{64} << 20;

/// Everything until the end of `fd`. Where nothing has come for two seconds, `hint` is said once on
/// standard error (a program that waits must say for what); an empty one is not.
Result<std::string> read_all(int fd, const std::string& name, const std::string& hint = {});

/// A regular file, or standard input for "-".
Result<std::string> read_file(const std::string& path);

}  // namespace handmill::cli
