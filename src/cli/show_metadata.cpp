// Metadata entries for people and for scripts. Values are shortened, not interpreted: what is in
// the file is what is shown.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "base/quote.h"
#include "cli/show_facts.h"
#include "cli/utf8.h"
#include "gguf/value.h"

namespace handmill::cli {
namespace {

constexpr uint64_t kMostElements = 6;
constexpr size_t kLongestText = 256;  // bytes, in JSON
constexpr size_t kLongestCell = 64;   // bytes, in the table

struct ToText {
  std::string operator()(uint8_t v) const { return fmt::format("{}", v); }
  template <class T>
  std::string operator()(T v) const {
    return fmt::format("{}", v);
  }
};

struct ToJson {
  template <class T>
  boost::json::value operator()(T v) const {
    if constexpr (std::is_floating_point_v<T>) {
      const double wide = v;
      if (!std::isfinite(wide)) return nullptr;
      return wide;
    } else {
      return v;
    }
  }
};

/// Nested arrays and whatever else has no elements of its own here is told by its kind.
bool is_scalar(gguf::ValueType type) {
  return type != gguf::ValueType::kArray && type != gguf::ValueType::kString;
}

std::string number_text(gguf::ValueType type, const uint8_t* bytes) {
  if (type == gguf::ValueType::kBool) return *bytes != 0 ? "true" : "false";
  return gguf::visit_number(type, bytes, ToText{});
}

boost::json::value number_json(gguf::ValueType type, const uint8_t* bytes) {
  if (type == gguf::ValueType::kBool) return *bytes != 0;
  return gguf::visit_number(type, bytes, ToJson{});
}

/// The first elements of an array of strings.
std::vector<std::string_view> first_strings(const gguf::File& file, const gguf::Entry& entry) {
  auto strings = file.get_strings(entry.key);
  if (!strings.ok()) return {};
  strings->resize(std::min<size_t>(strings->size(), kMostElements));
  return std::move(*strings);
}

/// Cut between characters, so that JSON stays valid.
std::string_view shortened(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0) == 0x80) --bytes_max;
  return text.substr(0, bytes_max);
}

std::string array_text(const gguf::File& file, const gguf::Entry& entry) {
  std::vector<std::string> parts;
  const uint64_t shown = std::min(entry.count, kMostElements);
  if (entry.element_type == gguf::ValueType::kString) {
    for (const std::string_view text : first_strings(file, entry))
      parts.push_back(base::quoted(text, 24));
  } else if (is_scalar(entry.element_type)) {
    const uint64_t bytes = gguf::value_bytes_min(entry.element_type);
    for (uint64_t i = 0; i < shown; ++i)
      parts.push_back(number_text(entry.element_type, entry.bytes.data() + i * bytes));
  }
  const char* more = entry.count > parts.size() ? (parts.empty() ? "…" : ", …") : "";
  return fmt::format("[{}{}] {} in all", fmt::join(parts, ", "), more, entry.count);
}

std::string value_text(const gguf::File& file, const gguf::Entry& entry) {
  if (entry.type == gguf::ValueType::kArray) return array_text(file, entry);
  if (entry.type != gguf::ValueType::kString) return number_text(entry.type, entry.bytes.data());
  auto text = file.get_string(entry.key);
  return text.ok() ? base::quoted(*text, kLongestCell) : "";
}

boost::json::string json_text(std::string_view text) {
  return boost::json::string(valid_utf8(text));
}

boost::json::value text_json(std::string_view text) {
  if (text.size() <= kLongestText) return json_text(text);
  return {{"type", "string"},
          {"count", text.size()},
          {"first", json_text(shortened(text, kLongestText))}};
}

boost::json::value array_json(const gguf::File& file, const gguf::Entry& entry) {
  boost::json::array first;
  if (entry.element_type == gguf::ValueType::kString) {
    for (const std::string_view text : first_strings(file, entry))
      first.push_back(json_text(shortened(text, kLongestText)));
  } else if (is_scalar(entry.element_type)) {
    const uint64_t bytes = gguf::value_bytes_min(entry.element_type);
    for (uint64_t i = 0; i < std::min(entry.count, kMostElements); ++i)
      first.push_back(number_json(entry.element_type, entry.bytes.data() + i * bytes));
  }
  if (first.size() == entry.count) return first;
  return {{"type", gguf::kind_name(entry)}, {"count", entry.count}, {"first", std::move(first)}};
}

}  // namespace

std::string metadata_text(const gguf::File& file) {
  size_t key_width = 0;
  for (const gguf::Entry& entry : file.metadata())
    key_width = std::max(key_width, std::min<size_t>(entry.key.size(), 48));
  std::string out = "Metadata\n";
  for (const gguf::Entry& entry : file.metadata())
    out += fmt::format("  {:<{}}  {:<16}  {}\n", entry.key, key_width, gguf::kind_name(entry),
                       value_text(file, entry));
  return out;
}

boost::json::object metadata_json(const gguf::File& file) {
  boost::json::object object;
  for (const gguf::Entry& entry : file.metadata()) {
    boost::json::value value;
    if (entry.type == gguf::ValueType::kArray) {
      value = array_json(file, entry);
    } else if (entry.type == gguf::ValueType::kString) {
      auto text = file.get_string(entry.key);
      value = text_json(text.ok() ? *text : std::string_view());
    } else {
      value = number_json(entry.type, entry.bytes.data());
    }
    object[valid_utf8(entry.key)] = std::move(value);
  }
  return object;
}

}  // namespace handmill::cli
