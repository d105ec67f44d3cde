// The table of GGUF's value types, by the format's own numbers.
#include "gguf/value.h"

#include <array>

namespace handmill::gguf {
namespace {

struct Row {
  std::string_view name;
  uint64_t bytes_min;
};

constexpr std::array<Row, kValueTypes> kRows = {{
    {"uint8", 1},
    {"int8", 1},
    {"uint16", 2},
    {"int16", 2},
    {"uint32", 4},
    {"int32", 4},
    {"float32", 4},
    {"bool", 1},
    {"string", 8},
    {"array", 0},
    {"uint64", 8},
    {"int64", 8},
    {"float64", 8},
}};

const Row& row(ValueType type) { return kRows.at(static_cast<size_t>(type)); }

}  // namespace

std::string_view value_type_name(ValueType type) { return row(type).name; }

std::string kind_name(const Entry& entry) {
  if (entry.type != ValueType::kArray) return std::string(value_type_name(entry.type));
  return "array of " + std::string(value_type_name(entry.element_type));
}

uint64_t value_bytes_min(ValueType type) { return row(type).bytes_min; }

bool is_float(ValueType type) { return type == ValueType::kFloat32 || type == ValueType::kFloat64; }

bool is_integer(ValueType type) {
  return !is_float(type) && type != ValueType::kBool && type != ValueType::kString &&
         type != ValueType::kArray;
}

}  // namespace handmill::gguf
