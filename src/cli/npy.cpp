#include "cli/npy.h"

#include <fmt/format.h>

namespace handmill::cli {

std::string npy_header(size_t rows, size_t cols) {
  constexpr size_t kAlignment = 64;  // of the data, so that it can be mapped
  constexpr size_t kPrefix = 10;     // magic, version, length
  std::string header =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, cols);
  const size_t unpadded = kPrefix + header.size() + 1;
  header.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  header += '\n';
  std::string out = "\x93NUMPY";
  out += {'\x01', '\x00', static_cast<char>(header.size() & 0xFF),
          static_cast<char>(header.size() >> 8)};
  return out + header;
}

}  // namespace handmill::cli
