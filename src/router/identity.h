// What tells one model file from another, without reading gigabytes: 256 bits over the file's size,
// every metadata entry, every tensor's name, type and shape, and the first bytes of some tensors'
// data. Equal files have equal digests; it is no proof against someone who wants two files to
// agree.
#pragma once

#include <string>

#include "gguf/file.h"

namespace handmill::router {

/// 64 hexadecimal digits.
std::string identity(const gguf::File& file);

}  // namespace handmill::router
