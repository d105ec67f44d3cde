// Value types of GGUF metadata: their names and sizes, and the one way from an element's bytes to a
// number. Serves the reader, the writer and whoever prints metadata.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/load.h"
#include "gguf/file.h"

namespace handmill::gguf {

static_assert(std::endian::native == std::endian::little,
              "GGUF here is little-endian, as the host");

inline constexpr uint32_t kValueTypes = 13;

/// "uint32", "string", "array".
std::string_view value_type_name(ValueType type);
/// "uint32", or "array of string" for an array.
std::string kind_name(const Entry& entry);

/// Bytes of one value: fixed for numbers and bool; for a string the 8 of its length (the least that
/// it takes); 0 for an array.
uint64_t value_bytes_min(ValueType type);

bool is_integer(ValueType type);  // not bool
bool is_float(ValueType type);

using base::load;

/// Calls `f` with the value of a numeric `type` at `bytes`, in its own C++ type; bool comes as
/// uint8_t. REQUIRES: a number or bool type.
template <class F>
auto visit_number(ValueType type, const uint8_t* bytes, F f) {
  switch (type) {
    case ValueType::kInt8: return f(load<int8_t>(bytes));
    case ValueType::kUint16: return f(load<uint16_t>(bytes));
    case ValueType::kInt16: return f(load<int16_t>(bytes));
    case ValueType::kUint32: return f(load<uint32_t>(bytes));
    case ValueType::kInt32: return f(load<int32_t>(bytes));
    case ValueType::kFloat32: return f(load<float>(bytes));
    case ValueType::kUint64: return f(load<uint64_t>(bytes));
    case ValueType::kInt64: return f(load<int64_t>(bytes));
    case ValueType::kFloat64: return f(load<double>(bytes));
    default: return f(load<uint8_t>(bytes));
  }
}

}  // namespace handmill::gguf
