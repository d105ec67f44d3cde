// Reads all that a File gives, through every door: what a damaged file that still parses must
// survive. Serves the damage tests and the fuzzer.
#pragma once

#include <cstdint>

#include "gguf/file.h"

namespace handmill::gguf {

/// A sum over everything read, so that no read can be left out.
inline uint64_t touch(const File& file) {
  uint64_t sum = file.bytes() + file.version() + file.path().size();
  for (const Entry& entry : file.metadata()) {
    sum += file.find(entry.key) == &entry ? 1 : 1u << 31;
    for (uint8_t byte : entry.bytes) sum += byte;
    if (auto v = file.get_uint(entry.key); v.ok()) sum += *v;
    if (auto v = file.get_int(entry.key); v.ok()) sum += static_cast<uint64_t>(*v);
    if (auto v = file.get_float(entry.key); v.ok()) sum += *v > 0;
    if (auto v = file.get_bool(entry.key); v.ok()) sum += *v;
    if (auto v = file.get_string(entry.key); v.ok()) sum += v->size();
    if (auto v = file.get_strings(entry.key); v.ok())
      for (auto text : *v)
        for (char c : text) sum += static_cast<uint8_t>(c);
    if (auto v = file.get_ints(entry.key); v.ok())
      for (int64_t n : *v) sum += static_cast<uint64_t>(n);
    if (auto v = file.get_floats(entry.key); v.ok())
      for (float n : *v) sum += n > 0;
  }
  for (const Tensor& tensor : file.tensors()) {
    sum += file.find_tensor(tensor.name) == &tensor ? 1 : 1u << 31;
    sum += tensor.cols() * tensor.rows() + tensor.format->name.size();
    for (uint8_t byte : tensor.data) sum += byte;
  }
  return sum;
}

}  // namespace handmill::gguf
