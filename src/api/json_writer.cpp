#include "api/json_writer.h"

#include <boost/json.hpp>
#include <cmath>
#include <fmt/format.h>
#include <iterator>

#include "text/unicode.h"

namespace handmill::api {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
  }
}

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

template <class Float>
void append_number(std::string& out, Float number) {
  if (std::isfinite(number))
    fmt::format_to(std::back_inserter(out), "{}", number);
  else
    out += "null";
}

}  // namespace

std::string valid_utf8(std::string_view bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size();) {
    const text::Utf8Unit unit = text::utf8_unit(bytes, i);
    text += unit.kind == text::Utf8Unit::kChar ? bytes.substr(i, unit.size) : kReplacement;
    i += unit.size;
  }
  return text;
}

void JsonWriter::separate() {
  if (!first_) out_ += ',';
  first_ = false;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  value(name);
  out_ += ':';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  out_ += '"';
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && is_plain(text[end])) ++end;
    out_ += text.substr(i, end - i);
    i = end;
    if (i == text.size()) break;
    const text::Utf8Unit unit = text::utf8_unit(text, i);
    if (unit.kind != text::Utf8Unit::kChar)
      out_ += kReplacement;
    else if (unit.size == 1)
      append_escaped(out_, text[i]);
    else
      out_ += text.substr(i, unit.size);
    i += unit.size;
  }
  out_ += '"';
  return *this;
}

JsonWriter& JsonWriter::value(bool truth) {
  separate();
  out_ += truth ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::value(std::nullptr_t) {
  separate();
  out_ += "null";
  return *this;
}

JsonWriter& JsonWriter::value(float number) {
  separate();
  append_number(out_, number);
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  separate();
  append_number(out_, number);
  return *this;
}

JsonWriter& JsonWriter::whole(int64_t number) {
  separate();
  fmt::format_to(std::back_inserter(out_), "{}", number);
  return *this;
}

JsonWriter& JsonWriter::value(const boost::json::value& value) {
  switch (value.kind()) {
    case boost::json::kind::null: return this->value(nullptr);
    case boost::json::kind::bool_: return this->value(value.get_bool());
    case boost::json::kind::int64: return whole(value.get_int64());
    case boost::json::kind::uint64: return this->value(static_cast<double>(value.get_uint64()));
    case boost::json::kind::double_: return this->value(value.get_double());
    case boost::json::kind::string: return this->value(std::string_view(value.get_string()));
    case boost::json::kind::array:
      begin_array();
      for (const boost::json::value& item : value.get_array()) this->value(item);
      return end_array();
    case boost::json::kind::object:
      begin_object();
      for (const auto& [name, item] : value.get_object()) key(name).value(item);
      return end_object();
  }
  return *this;
}

}  // namespace handmill::api
