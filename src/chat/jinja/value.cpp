// Truth, depth and identity of values; dicts and the codes of their keys.
#include "chat/jinja/value.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "chat/jinja/limits.h"

namespace handmill::chat::jinja {
namespace {

constexpr size_t kIndexedFrom = 8;
constexpr size_t kKeyBytesMax = 1u << 20;

Status append_key_code(const Value& key, std::string& out) {
  if (out.size() > kKeyBytesMax) return base::limit("dict key bytes: more than {}", kKeyBytesMax);
  if (const Marked* text = key.text()) {
    out += fmt::format("s{}:", text->size());
    out += text->view();
  } else if (auto integer = key.as_integer()) {
    out += fmt::format("i{};", *integer);
  } else if (const double* number = key.number()) {
    bool whole = std::trunc(*number) == *number && std::abs(*number) < 1e37;
    out += whole ? fmt::format("i{};", static_cast<Int>(*number))
                 : fmt::format("f{};", std::bit_cast<uint64_t>(*number));
  } else if (key.is_none()) {
    out += 'n';
  } else if (key.is_undefined()) {
    out += 'u';
  } else if (Object* object = key.object(); object && object->hashable()) {
    out += fmt::format("o{};", static_cast<void*>(object));
  } else if (const Sequence* sequence = key.sequence();
             sequence && sequence->kind != Sequence::Kind::kList) {
    out += '(';
    for (const Value& item : sequence->items) HANDMILL_OK(append_key_code(item, out));
    out += ')';
  } else {
    return base::invalid("unhashable type: '{}'", key.type_name());
  }
  return {};
}

}  // namespace

std::optional<Int> Value::as_integer() const {
  if (const bool* b = boolean()) return Int{*b};
  if (const Int* i = integer()) return *i;
  return std::nullopt;
}

std::optional<double> Value::as_number() const {
  if (const double* d = number()) return *d;
  if (auto i = as_integer()) return static_cast<double>(*i);
  return std::nullopt;
}

bool Value::truth() const {
  if (auto d = as_number()) return *d != 0;
  if (is_undefined() || is_none()) return false;
  if (const Marked* t = text()) return !t->empty();
  if (const Sequence* s = sequence()) return !s->items.empty();
  if (const Dict* d = dict()) return d->size() != 0;
  auto length = object()->length();
  return !length || *length != 0;
}

int Value::depth() const {
  if (const Sequence* s = sequence()) return s->depth;
  if (const Dict* d = dict()) return d->depth();
  if (Object* o = object()) return o->depth();
  return 0;
}

std::string_view Value::type_name() const {
  if (is_undefined()) return "Undefined";
  if (is_none()) return "NoneType";
  if (boolean()) return "bool";
  if (integer()) return "int";
  if (number()) return "float";
  if (const Marked* t = text()) return t->safe ? "Markup" : "str";
  if (const Sequence* s = sequence()) return s->kind == Sequence::Kind::kList ? "list" : "tuple";
  if (dict()) return "dict";
  return object()->type_name();
}

bool Value::same(const Value& other) const {
  if (data_.index() != other.data_.index()) return false;
  if (is_none()) return true;
  if (boolean()) return *boolean() == *other.boolean();
  if (integer()) return *integer() == *other.integer();
  if (number())
    return std::bit_cast<uint64_t>(*number()) == std::bit_cast<uint64_t>(*other.number());
  if (is_undefined()) return false;
  if (text()) return text() == other.text() || text()->view() == other.text()->view();
  return sequence() == other.sequence() && dict() == other.dict() && object() == other.object();
}

Result<Value> make_sequence(std::vector<Value> items, Sequence::Kind kind) {
  auto made = std::make_shared<Sequence>();
  for (const Value& item : items) made->depth = std::max(made->depth, item.depth() + 1);
  if (made->depth > kValueDepthMax) {
    return base::limit("value depth: lists and dicts nest deeper than {}", kValueDepthMax);
  }
  made->kind = kind;
  made->items = std::move(items);
  return Value(SequencePtr(std::move(made)));
}

Result<std::string> key_code(const Value& key) {
  std::string code;
  HANDMILL_OK(append_key_code(key, code));
  return code;
}

size_t Dict::position(const std::string& code) const {
  if (entries_.size() > kIndexedFrom) {
    auto it = index_.find(code);
    return it == index_.end() ? entries_.size() : it->second;
  }
  size_t i = 0;
  while (i < entries_.size() && entries_[i].code != code) ++i;
  return i;
}

const Value* Dict::find_code(const std::string& code) const {
  size_t i = position(code);
  return i < entries_.size() ? &entries_[i].value : nullptr;
}

const Value* Dict::find(std::string_view text) const {
  std::string code = fmt::format("s{}:", text.size());
  code += text;
  return find_code(code);
}

void Dict::put(std::string code, const Value& key, Value value) {
  depth_ = std::max({depth_, key.depth() + 1, value.depth() + 1});
  size_t i = position(code);
  if (i < entries_.size()) {
    entries_[i].value = std::move(value);
    return;
  }
  entries_.push_back({std::move(code), key, std::move(value)});
  if (entries_.size() == kIndexedFrom + 1) {
    for (size_t k = 0; k < entries_.size(); ++k) index_.emplace(entries_[k].code, k);
  } else if (entries_.size() > kIndexedFrom) {
    index_.emplace(entries_.back().code, i);
  }
}

Status Dict::set(const Value& key, Value value) {
  HANDMILL_TRY(std::string code, key_code(key));
  if (key.depth() >= kValueDepthMax || value.depth() >= kValueDepthMax) {
    return base::limit("value depth: lists and dicts nest deeper than {}", kValueDepthMax);
  }
  put(std::move(code), key, std::move(value));
  return {};
}

void Dict::set_text(std::string_view key, Value value) {
  std::string code = fmt::format("s{}:", key.size());
  code += key;
  put(std::move(code), Value::text(key), std::move(value));
}

std::string Object::repr() const { return fmt::format("<{} object>", type_name()); }

Result<Value> Object::call(Interpreter&, const Arguments&) {
  return base::invalid("'{}' object is not callable", type_name());
}

Result<Items> Object::iterate(Interpreter&) {
  return base::invalid("'{}' object is not iterable", type_name());
}

}  // namespace handmill::chat::jinja
