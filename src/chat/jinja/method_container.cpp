// Methods of dict, list, tuple and of numbers. Those that would change their object are listed
// without a function: the sandbox hides them.
#include <cmath>

#include "chat/jinja/arguments.h"
#include "chat/jinja/compare.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/methods.h"
#include "chat/jinja/objects.h"

namespace handmill::chat::jinja {
namespace {

Result<Value> dict_get(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind_positional(arguments, "get", 1, 2));
  HANDMILL_TRY(std::string code, key_code(*p[0]));
  HANDMILL_OK(in.spend_bytes(code.size()));
  if (const Value* value = self.dict()->find_code(code)) return *value;
  return p[1] ? *p[1] : Value();
}

template <DictView::Part part>
Result<Value> dict_view(Interpreter&, const Value& self, const Arguments& arguments) {
  HANDMILL_OK(bind_positional(arguments, "view", 0, 0));
  return Value(ObjectPtr(std::make_shared<DictView>(self, part)));
}

Result<Value> copy(Interpreter&, const Value& self, const Arguments& arguments) {
  HANDMILL_OK(bind_positional(arguments, "copy", 0, 0));
  return self;
}

Result<Value> sequence_index(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind_positional(arguments, "index", 1, 3));
  const auto& items = self.sequence()->items;
  Int size = Int{items.size()};
  HANDMILL_TRY(Int from, integer_or(p[1], 0));
  HANDMILL_TRY(Int to, integer_or(p[2], size));
  if (from < 0) from = std::max<Int>(from + size, 0);
  if (to < 0) to += size;
  for (Int i = from; i < std::min(to, size); ++i) {
    HANDMILL_TRY(bool same, equal(in, items[static_cast<size_t>(i)], *p[0]));
    if (same) return Value(i);
  }
  return base::invalid("value is not in list");
}

Result<Value> sequence_count(Interpreter& in, const Value& self, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind_positional(arguments, "count", 1, 1));
  size_t n = 0;
  for (const Value& item : self.sequence()->items) {
    HANDMILL_TRY(bool same, equal(in, item, *p[0]));
    n += same;
  }
  return Value(n);
}

Result<Value> bit_length(Interpreter&, const Value& self, const Arguments& arguments) {
  HANDMILL_OK(bind_positional(arguments, "bit_length", 0, 0));
  int bits = 0;
  for (Int i = *self.as_integer(); i != 0; i /= 2) ++bits;
  return Value(bits);
}

Result<Value> is_whole(Interpreter&, const Value& self, const Arguments& arguments) {
  HANDMILL_OK(bind_positional(arguments, "is_integer", 0, 0));
  double number = *self.number();
  return Value(std::isfinite(number) && std::trunc(number) == number);
}

constexpr Method kDict[] = {
    {"get", dict_get},
    {"keys", dict_view<DictView::Part::kKeys>},
    {"values", dict_view<DictView::Part::kValues>},
    {"items", dict_view<DictView::Part::kItems>},
    {"copy", copy},
    {"clear", nullptr},
    {"pop", nullptr},
    {"popitem", nullptr},
    {"setdefault", nullptr},
    {"update", nullptr},
};
constexpr Method kList[] = {
    {"index", sequence_index}, {"count", sequence_count}, {"copy", copy},       {"append", nullptr},
    {"clear", nullptr},        {"pop", nullptr},          {"reverse", nullptr}, {"insert", nullptr},
    {"sort", nullptr},         {"extend", nullptr},       {"remove", nullptr},
};
constexpr Method kTuple[] = {{"index", sequence_index}, {"count", sequence_count}};
constexpr Method kInteger[] = {{"bit_length", bit_length}};
constexpr Method kFloat[] = {{"is_integer", is_whole}};

const Method* find_in(std::span<const Method> methods, std::string_view name) {
  for (const Method& method : methods) {
    if (method.name == name) return &method;
  }
  return nullptr;
}

}  // namespace

const Method* find_container_method(const Value& self, std::string_view name) {
  if (self.dict()) return find_in(kDict, name);
  if (const Sequence* sequence = self.sequence()) {
    return sequence->kind == Sequence::Kind::kList ? find_in(kList, name) : find_in(kTuple, name);
  }
  if (self.as_integer()) return find_in(kInteger, name);
  if (self.number()) return find_in(kFloat, name);
  return nullptr;
}

const Method* find_method(const Value& self, std::string_view name) {
  return self.text() ? find_text_method(name) : find_container_method(self, name);
}

}  // namespace handmill::chat::jinja
