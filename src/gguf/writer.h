// Writes a GGUF file: metadata of every value type, tensors with their raw data, any alignment,
// v2 or v3. What it writes, File reads back byte for byte. Serves conversion, and the tests and
// fuzz seeds of this room, which damage its output on purpose.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "gguf/file.h"
#include "gguf/parse.h"

namespace handmill::gguf {

/// The C++ types that stand for GGUF's numbers and bool.
template <class T>
concept Number =
    std::same_as<T, uint8_t> || std::same_as<T, int8_t> || std::same_as<T, uint16_t> ||
    std::same_as<T, int16_t> || std::same_as<T, uint32_t> || std::same_as<T, int32_t> ||
    std::same_as<T, uint64_t> || std::same_as<T, int64_t> || std::same_as<T, float> ||
    std::same_as<T, double> || std::same_as<T, bool>;

template <Number T>
constexpr ValueType value_type_of() {
  if constexpr (std::same_as<T, uint8_t>) return ValueType::kUint8;
  if constexpr (std::same_as<T, int8_t>) return ValueType::kInt8;
  if constexpr (std::same_as<T, uint16_t>) return ValueType::kUint16;
  if constexpr (std::same_as<T, int16_t>) return ValueType::kInt16;
  if constexpr (std::same_as<T, uint32_t>) return ValueType::kUint32;
  if constexpr (std::same_as<T, int32_t>) return ValueType::kInt32;
  if constexpr (std::same_as<T, uint64_t>) return ValueType::kUint64;
  if constexpr (std::same_as<T, int64_t>) return ValueType::kInt64;
  if constexpr (std::same_as<T, float>) return ValueType::kFloat32;
  if constexpr (std::same_as<T, double>) return ValueType::kFloat64;
  return ValueType::kBool;
}

/// Not shared between threads. Tensor data is not copied: it must live until bytes() or write().
class Writer {
 public:
  /// REQUIRES: `version` is 2 or 3; `alignment` is a power of two. An alignment other than 32 is
  /// written as general.alignment.
  explicit Writer(uint32_t version = 3, uint32_t alignment = kDefaultAlignment);

  // A key that is set again keeps its place and gets the new value.
  template <Number T>
  void set(std::string_view key, T value) {
    set_bytes(key, value_type_of<T>(), &value, sizeof value);
  }
  template <Number T>
  void set_array(std::string_view key, std::span<const T> values) {
    set_array_bytes(key, value_type_of<T>(), values.size(), values.data(), values.size_bytes());
  }
  void set_string(std::string_view key, std::string_view value);
  void set_strings(std::string_view key, std::span<const std::string_view> values);
  /// An entry as a File has it, to carry metadata over unchanged; but for general.alignment, which
  /// says how this Writer places its own tensors.
  void set_entry(const Entry& entry);

  /// kInvalid where the shape is not one that File would read, or `data` is not its size; a name
  /// that is there already, likewise.
  Status add_tensor(std::string_view name, tensor::Type type, std::span<const uint64_t> shape,
                    std::span<const uint8_t> data);

  /// The whole file.
  std::vector<uint8_t> bytes() const;
  /// The same into a file, which is there whole or not at all: written beside it, synced, renamed.
  Status write(const std::string& path) const;

 private:
  struct Value {
    std::string key;
    std::vector<uint8_t> bytes;  // value type and value
  };
  struct Row {
    std::string name;
    tensor::Type type;
    std::vector<uint64_t> shape;
    std::span<const uint8_t> data;
  };

  void set_bytes(std::string_view key, ValueType type, const void* value, size_t size);
  void set_array_bytes(std::string_view key, ValueType type, uint64_t count, const void* values,
                       size_t size);
  std::vector<uint8_t>& slot(std::string_view key, ValueType type);
  /// Everything before the data section, padded to it.
  std::vector<uint8_t> head() const;
  uint64_t padded(uint64_t size) const { return (size + alignment_ - 1) / alignment_ * alignment_; }

  uint32_t version_;
  uint64_t alignment_;
  std::vector<Value> values_;
  std::vector<Row> tensors_;
  std::unordered_set<std::string> names_;  // of tensors_
};

}  // namespace handmill::gguf
