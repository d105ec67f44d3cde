// The header of NumPy's .npy format, version 1.0 (numpy.lib.format): what follows it is the array.
#pragma once

#include <cstddef>
#include <string>

namespace handmill::cli {

/// Of a little-endian float32 array [rows, cols] in C order.
std::string npy_header(size_t rows, size_t cols);

}  // namespace handmill::cli
