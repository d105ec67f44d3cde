// Numbers and structs from bytes that have no alignment: those of files.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace handmill::base {

template <class T>
T load(const uint8_t* bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

}  // namespace handmill::base
