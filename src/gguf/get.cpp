// Typed reads of metadata. Invariant: a value comes back only where the wanted type holds it
// exactly (floats may be narrowed to float32); every other case is an Error naming both kinds.
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "base/quote.h"
#include "gguf/file.h"
#include "gguf/value.h"

namespace handmill::gguf {
namespace {

Error wrong(const File& file, const Entry& entry, const std::string& what,
            std::string_view wanted) {
  return base::invalid("{}: {} at byte {}: {}; {} would be right", file.path(),
                       base::quoted(entry.key), entry.offset, what, wanted);
}

Error wrong_kind(const File& file, const Entry& entry, std::string_view wanted) {
  return wrong(file, entry, "is " + kind_name(entry), wanted);
}

Result<const Entry*> require(const File& file, std::string_view key) {
  if (const Entry* entry = file.find(key)) return entry;
  return base::not_found("{}: metadata key {} is missing", file.path(), base::quoted(key));
}

/// The integer at `bytes` as T; false where T does not hold it.
template <class T>
bool read_integer(ValueType type, const uint8_t* bytes, T& out) {
  return visit_number(type, bytes, [&](auto value) {
    if constexpr (std::is_integral_v<decltype(value)>) {
      if (!std::in_range<T>(value)) return false;
      out = static_cast<T>(value);
      return true;
    }
    return false;
  });
}

template <class T>
Result<T> get_integer(const File& file, std::string_view key, std::string_view wanted) {
  HANDMILL_TRY(const Entry* entry, require(file, key));
  if (!is_integer(entry->type)) return wrong_kind(file, *entry, wanted);
  T value = 0;
  if (read_integer(entry->type, entry->bytes.data(), value)) return value;
  const std::string text = visit_number(entry->type, entry->bytes.data(),
                                        [](auto number) { return fmt::format("{}", number); });
  return wrong(file, *entry, "is " + text, wanted);
}

Result<const Entry*> require_array(const File& file, std::string_view key, bool (*fits)(ValueType),
                                   std::string_view wanted) {
  HANDMILL_TRY(const Entry* entry, require(file, key));
  if (entry->type != ValueType::kArray || !fits(entry->element_type))
    return wrong_kind(file, *entry, wanted);
  return entry;
}

}  // namespace

Result<uint64_t> File::get_uint(std::string_view key) const {
  return get_integer<uint64_t>(*this, key, "an integer from 0 to 2^64-1");
}

Result<int64_t> File::get_int(std::string_view key) const {
  return get_integer<int64_t>(*this, key, "an integer from -2^63 to 2^63-1");
}

Result<double> File::get_float(std::string_view key) const {
  HANDMILL_TRY(const Entry* entry, require(*this, key));
  if (!is_integer(entry->type) && !is_float(entry->type))
    return wrong_kind(*this, *entry, "a float or an integer");
  return visit_number(entry->type, entry->bytes.data(),
                      [](auto value) { return static_cast<double>(value); });
}

Result<bool> File::get_bool(std::string_view key) const {
  HANDMILL_TRY(const Entry* entry, require(*this, key));
  if (entry->type != ValueType::kBool) return wrong_kind(*this, *entry, "bool");
  return entry->bytes[0] != 0;
}

Result<std::string_view> File::get_string(std::string_view key) const {
  HANDMILL_TRY(const Entry* entry, require(*this, key));
  if (entry->type != ValueType::kString) return wrong_kind(*this, *entry, "string");
  return std::string_view(reinterpret_cast<const char*>(entry->bytes.data()), entry->bytes.size());
}

Result<std::vector<std::string_view>> File::get_strings(std::string_view key) const {
  HANDMILL_TRY(const Entry* entry,
               require_array(
                   *this, key, [](ValueType type) { return type == ValueType::kString; },
                   "array of string"));
  std::vector<std::string_view> out;
  out.reserve(entry->count);
  const uint8_t* at = entry->bytes.data();  // lengths and count were checked by the parser
  for (uint64_t i = 0; i < entry->count; ++i) {
    const auto length = load<uint64_t>(at);
    out.emplace_back(reinterpret_cast<const char*>(at) + sizeof length, length);
    at += sizeof length + length;
  }
  return out;
}

Result<std::vector<int64_t>> File::get_ints(std::string_view key) const {
  HANDMILL_TRY(
      const Entry* entry,
      require_array(
          *this, key, [](ValueType type) { return is_integer(type) || type == ValueType::kBool; },
          "array of integers or bools"));
  const uint64_t stride = value_bytes_min(entry->element_type);
  std::vector<int64_t> out(entry->count);
  for (uint64_t i = 0; i < entry->count; ++i)
    if (!read_integer(entry->element_type, entry->bytes.data() + i * stride, out[i]))
      return wrong(*this, *entry, fmt::format("element {} is above 2^63-1", i), "-2^63 to 2^63-1");
  return out;
}

Result<std::vector<float>> File::get_floats(std::string_view key) const {
  HANDMILL_TRY(const Entry* entry, require_array(*this, key, is_float, "array of floats"));
  const uint64_t stride = value_bytes_min(entry->element_type);
  std::vector<float> out(entry->count);
  for (uint64_t i = 0; i < entry->count; ++i)
    out[i] = visit_number(entry->element_type, entry->bytes.data() + i * stride,
                          [](auto value) { return static_cast<float>(value); });
  return out;
}

}  // namespace handmill::gguf
