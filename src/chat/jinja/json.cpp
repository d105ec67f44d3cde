// json.dumps as Hugging Face's tojson calls it.
#include "chat/jinja/json.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "chat/jinja/compare.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/limits.h"
#include "chat/jinja/nesting.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/utf8.h"

namespace handmill::chat::jinja {
namespace {

Result<Value> convert(const boost::json::value& json, int depth) {
  if (depth > kValueDepthMax) return base::limit("value depth: more than {}", kValueDepthMax);
  switch (json.kind()) {
    case boost::json::kind::null: return Value();
    case boost::json::kind::bool_: return Value(json.get_bool());
    case boost::json::kind::int64: return Value(Int{json.get_int64()});
    case boost::json::kind::uint64: return Value(Int{json.get_uint64()});
    case boost::json::kind::double_: return Value(json.get_double());
    case boost::json::kind::string: {
      const boost::json::string& text = json.get_string();
      return Value(
          std::make_shared<const Marked>(Marked(valid_utf8({text.data(), text.size()}), true)));
    }
    case boost::json::kind::array: {
      std::vector<Value> items;
      for (const boost::json::value& item : json.get_array()) {
        HANDMILL_TRY(Value value, convert(item, depth + 1));
        items.push_back(std::move(value));
      }
      return make_sequence(std::move(items));
    }
    case boost::json::kind::object: {
      auto dict = std::make_shared<Dict>();
      for (const auto& [key, item] : json.get_object()) {
        HANDMILL_TRY(Value value, convert(item, depth + 1));
        Value name =
            std::make_shared<const Marked>(Marked(valid_utf8({key.data(), key.size()}), true));
        HANDMILL_OK(dict->set(name, std::move(value)));
      }
      return Value(DictPtr(std::move(dict)));
    }
  }
  return Value();
}

class JsonWriter {
 public:
  JsonWriter(Interpreter& in, const JsonStyle& style, Marked& out)
      : in_(in), style_(style), out_(out) {}

  Status write(const Value& value, size_t level) {
    HANDMILL_OK(in_.spend());
    if (out_.overflowed()) return base::limit("string bytes: more than {}", kTextBytesMax);
    if (const Marked* text = value.text()) return string(*text);
    if (value.sequence() || value.dict()) {
      Nesting nesting(in_.depth());
      HANDMILL_OK(in_.check_depth());
      return value.dict() ? object(*value.dict(), level) : array(*value.sequence(), level);
    }
    if (value.is_none() || value.as_number()) return out_.append(scalar(value), false), Status();
    return base::invalid("Object of type {} is not JSON serializable", value.type_name());
  }

 private:
  static std::string scalar(const Value& value) {
    if (value.is_none()) return "null";
    if (const bool* b = value.boolean()) return *b ? "true" : "false";
    if (const Int* i = value.integer()) return fmt::format("{}", *i);
    double d = *value.number();
    if (std::isnan(d)) return "NaN";
    if (std::isinf(d)) return d < 0 ? "-Infinity" : "Infinity";
    return float_repr(d);
  }

  std::string escape(char32_t c) const {
    switch (c) {
      case '"': return "\\\"";
      case '\\': return "\\\\";
      case '\n': return "\\n";
      case '\r': return "\\r";
      case '\t': return "\\t";
      case '\f': return "\\f";
      case '\b': return "\\b";
      default: break;
    }
    if (c >= 0x20 && (c < 0x7f || !style_.ascii)) return {};
    auto code = static_cast<uint32_t>(c);
    if (c < 0x20 || (c < 0x10000 && c >= 0x80)) return fmt::format("\\u{:04x}", code);
    if (c == 0x7f) return {};
    code -= 0x10000;
    return fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (code >> 10), 0xdc00 + (code & 0x3ff));
  }

  Status string(const Marked& text) {
    HANDMILL_OK(in_.spend_bytes(text.size()));
    out_.append("\"", false);
    size_t from = 0;
    for (size_t at = 0; at < text.size();) {
      size_t begin = at;
      std::string escaped = escape(next_code_point(text.view(), at));
      if (escaped.empty()) continue;
      out_.append(text, from, begin);
      out_.append(escaped, text.user_at(begin));
      from = at;
    }
    out_.append(text, from, text.size());
    out_.append("\"", false);
    return {};
  }

  void new_line(size_t level) {
    if (!style_.pretty) return;
    out_.append("\n", false);
    out_.append_repeated(style_.indent, level);
  }

  Status array(const Sequence& sequence, size_t level) {
    out_.append("[", false);
    for (size_t i = 0; i < sequence.items.size(); ++i) {
      if (i) out_.append(style_.item_separator);
      new_line(level + 1);
      HANDMILL_OK(write(sequence.items[i], level + 1));
    }
    if (!sequence.items.empty()) new_line(level);
    out_.append("]", false);
    return {};
  }

  /// The entries in the order in which they are written.
  Result<std::vector<const Dict::Entry*>> ordered(const Dict& dict) {
    std::vector<const Dict::Entry*> entries;
    for (const Dict::Entry& entry : dict.entries()) entries.push_back(&entry);
    if (!style_.sort_keys) return entries;
    Status failure;
    std::stable_sort(entries.begin(), entries.end(),
                     [&](const Dict::Entry* a, const Dict::Entry* b) {
                       if (!failure.ok()) return false;
                       auto less = compare(in_, Op::kLess, a->key, b->key);
                       if (!less.ok()) failure = less.error();
                       return less.ok() && *less;
                     });
    if (!failure.ok()) return failure.error();
    return entries;
  }

  Status object(const Dict& dict, size_t level) {
    out_.append("{", false);
    HANDMILL_TRY(auto entries, ordered(dict));
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i) out_.append(style_.item_separator);
      new_line(level + 1);
      const Value& key = entries[i]->key;
      if (key.text()) {
        HANDMILL_OK(string(*key.text()));
      } else if (key.is_none() || key.as_number()) {
        out_.append("\"" + scalar(key) + "\"", false);
      } else {
        return base::invalid("keys must be str, int, float, bool or None, not {}", key.type_name());
      }
      out_.append(style_.key_separator);
      HANDMILL_OK(write(entries[i]->value, level + 1));
    }
    if (!entries.empty()) new_line(level);
    out_.append("}", false);
    return {};
  }

  Interpreter& in_;
  const JsonStyle& style_;
  Marked& out_;
};

}  // namespace

Result<Value> from_json(const boost::json::value& json) { return convert(json, 0); }

Status append_json(Interpreter& in, const Value& value, const JsonStyle& style, Marked& out) {
  HANDMILL_OK(JsonWriter(in, style, out).write(value, 0));
  if (out.overflowed()) return base::limit("string bytes: more than {}", kTextBytesMax);
  return {};
}

}  // namespace handmill::chat::jinja
