// How values are reached into: attributes, subscripts, slices, iteration, calls.
#include <algorithm>

#include "chat/jinja/filters.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/methods.h"
#include "chat/jinja/nesting.h"
#include "chat/jinja/objects.h"
#include "chat/jinja/tests.h"
#include "chat/jinja/utf8.h"

namespace handmill::chat::jinja {
namespace {

Value unsafe_attribute(const Value& object, std::string_view name) {
  return Value::undefined(
      fmt::format("access to attribute '{}' of '{}' object is unsafe", name, object.type_name()));
}

/// object[key], or nothing where Python would raise.
Result<Maybe> subscript(Interpreter& in, const Value& object, const Value& key) {
  if (const Dict* dict = object.dict()) {
    auto code = key_code(key);
    if (!code.ok())
      return code.error().code == Code::kLimit ? Result<Maybe>(code.error()) : Maybe();
    const Value* value = dict->find_code(*code);
    return value ? Maybe(*value) : Maybe();
  }
  if (object.object()) return object.object()->item(in, key);
  auto index = key.as_integer();
  if (!index) return Maybe();
  if (const Sequence* sequence = object.sequence()) {
    Int size = Int{sequence->items.size()};
    Int i = *index < 0 ? *index + size : *index;
    if (i < 0 || i >= size) return Maybe();
    return Maybe(sequence->items[static_cast<size_t>(i)]);
  }
  if (const Marked* text = object.text()) {
    HANDMILL_OK(in.spend_bytes(text->size()));
    Int i = *index < 0 ? *index + Int{code_points(text->view())} : *index;
    if (i < 0 || i >= Int{text->size()}) return Maybe();
    size_t begin = offset_of(text->view(), static_cast<size_t>(i));
    if (begin == text->size()) return Maybe();
    size_t end = begin;
    next_code_point(text->view(), end);
    HANDMILL_TRY(Value character, in.text(text->slice(begin, end)));
    return Maybe(std::move(character));
  }
  return Maybe();
}

struct Bounds {
  Int start, stop, step, count;
};

Result<Bounds> slice_bounds(Int length, const Value& start, const Value& stop, const Value& step) {
  for (const Value* bound : {&start, &stop, &step}) {
    if (!bound->is_none() && !bound->as_integer()) {
      return base::invalid("slice indices must be integers or None");
    }
  }
  Bounds out{0, 0, step.as_integer().value_or(1), 0};
  if (out.step == 0) return base::invalid("slice step cannot be zero");
  out.step = std::clamp(out.step, -length - 1, length + 1);  // farther strides select the same
  bool forward = out.step > 0;
  auto clamp = [&](const Value& bound, Int fallback) {
    auto given = bound.as_integer();
    if (!given) return fallback;
    Int i = *given < 0 ? std::max(*given, -length - 1) + length : *given;
    if (i < 0) return forward ? Int{0} : Int{-1};
    return std::min(i, forward ? length : length - 1);
  };
  out.start = clamp(start, forward ? 0 : length - 1);
  out.stop = clamp(stop, forward ? length : -1);
  Int distance = forward ? out.stop - out.start : out.start - out.stop;
  Int stride = forward ? out.step : -out.step;
  out.count = distance > 0 ? (distance - 1) / stride + 1 : 0;
  return out;
}

Result<Value> slice_text(Interpreter& in, const Marked& text, const Bounds& bounds, Int length) {
  std::string_view view = text.view();
  Marked out;
  out.safe = text.safe;
  if (bounds.step == 1 && bounds.count > 0) {
    size_t begin = offset_of(view, static_cast<size_t>(bounds.start));
    size_t end = begin + offset_of(view.substr(begin), static_cast<size_t>(bounds.count));
    out.append(text, begin, end);
    return in.text(std::move(out));
  }
  std::vector<uint32_t> offsets;  // of every character
  offsets.reserve(static_cast<size_t>(length) + 1);
  for (size_t at = 0; at < view.size(); next_code_point(view, at)) {
    offsets.push_back(static_cast<uint32_t>(at));
  }
  offsets.push_back(static_cast<uint32_t>(view.size()));
  for (Int n = 0, i = bounds.start; n < bounds.count; ++n, i += bounds.step) {
    out.append(text, offsets[static_cast<size_t>(i)], offsets[static_cast<size_t>(i) + 1]);
  }
  return in.text(std::move(out));
}

}  // namespace

Result<Items> Interpreter::iterate(const Value& value) {
  if (value.sequence()) return Items(value.sequence_ptr());
  if (const Marked* text = value.text()) {
    std::vector<Value> characters;
    for (size_t at = 0; at < text->size();) {
      size_t begin = at;
      next_code_point(text->view(), at);
      HANDMILL_OK(spend());
      Marked part = text->slice(begin, at);
      part.safe = false;  // str's own iterator knows of no Markup
      HANDMILL_TRY(Value character, this->text(std::move(part)));
      characters.push_back(std::move(character));
    }
    return Items(std::move(characters));
  }
  if (const Dict* dict = value.dict()) {
    HANDMILL_OK(spend(dict->size()));
    std::vector<Value> keys;
    for (const Dict::Entry& entry : dict->entries()) keys.push_back(entry.key);
    return Items(std::move(keys));
  }
  if (value.is_undefined()) return Items();
  if (value.object()) return value.object()->iterate(*this);
  return base::invalid("'{}' object is not iterable", value.type_name());
}

Result<Maybe> Interpreter::python_attribute(const Value& object, std::string_view name) {
  if (name.starts_with("__") && name.ends_with("__") && !object.object_as<Namespace>()) {
    return Maybe(unsafe_attribute(object, name));
  }
  if (object.object()) return object.object()->attribute(*this, name);
  if (const Sequence* sequence = object.sequence();
      sequence && sequence->kind == Sequence::Kind::kGroup) {
    if (name == "grouper") return Maybe(sequence->items[0]);
    if (name == "list") return Maybe(sequence->items[1]);
  }
  const Method* method = find_method(object, name);
  if (!method) return Maybe();
  if (!method->call) return Maybe(unsafe_attribute(object, name));
  auto call = method->call;
  std::string title =
      fmt::format("built-in method {} of {} object at 0x0", name, object.type_name());
  NativeFunction body = [object, call](Interpreter& in, const Arguments& arguments) {
    return call(in, object, arguments);
  };
  return Maybe(Value(ObjectPtr(
      std::make_shared<Function>(std::move(title), std::move(body), object.depth() + 1))));
}

Result<Value> Interpreter::get_attr(const Value& object, std::string_view name) {
  if (object.is_undefined()) return base::invalid("{}", object.undefined_message());
  HANDMILL_TRY(Maybe attribute, python_attribute(object, name));
  if (attribute) return std::move(*attribute);
  if (const Dict* dict = object.dict()) {
    if (const Value* value = dict->find(name)) return *value;
  }
  return Value::undefined(
      fmt::format("'{} object' has no attribute '{}'", object.type_name(), name));
}

Result<Value> Interpreter::get_item(const Value& object, const Value& key) {
  if (object.is_undefined()) return base::invalid("{}", object.undefined_message());
  HANDMILL_TRY(Maybe item, subscript(*this, object, key));
  if (item) return std::move(*item);
  const Marked* name = key.text();
  if (!name)
    return Value::undefined(fmt::format("{} object has no such element", object.type_name()));
  HANDMILL_TRY(item, python_attribute(object, name->view()));
  if (item) return std::move(*item);
  return Value::undefined(fmt::format("'{} object' has no attribute '{}'", object.type_name(),
                                      name->view().substr(0, 100)));
}

Result<Value> Interpreter::slice(const Value& object, const Value& start, const Value& stop,
                                 const Value& step) {
  if (object.is_undefined()) return base::invalid("{}", object.undefined_message());
  if (const Marked* text = object.text()) {
    HANDMILL_OK(spend_bytes(text->size()));
    Int length = Int{code_points(text->view())};
    HANDMILL_TRY(Bounds bounds, slice_bounds(length, start, stop, step));
    return slice_text(*this, *text, bounds, length);
  }
  if (auto* range = object.object_as<Range>()) {
    HANDMILL_TRY(Bounds bounds, slice_bounds(range->count(), start, stop, step));
    Int stride = range->step() * bounds.step;
    return Value(ObjectPtr(
        std::make_shared<Range>(range->at(bounds.start), range->at(bounds.stop), stride)));
  }
  const Sequence* sequence = object.sequence();
  if (!sequence) return base::invalid("'{}' object is not subscriptable", object.type_name());
  HANDMILL_TRY(Bounds bounds, slice_bounds(Int{sequence->items.size()}, start, stop, step));
  HANDMILL_OK(spend(static_cast<uint64_t>(bounds.count)));
  std::vector<Value> items;
  items.reserve(static_cast<size_t>(bounds.count));
  for (Int n = 0, i = bounds.start; n < bounds.count; ++n, i += bounds.step) {
    items.push_back(sequence->items[static_cast<size_t>(i)]);
  }
  bool list = sequence->kind == Sequence::Kind::kList;
  return make_sequence(std::move(items), list ? Sequence::Kind::kList : Sequence::Kind::kTuple);
}

Result<Value> Interpreter::call(const Value& callee, const Arguments& arguments) {
  if (callee.is_undefined()) return base::invalid("{}", callee.undefined_message());
  if (!callee.object()) return base::invalid("'{}' object is not callable", callee.type_name());
  Nesting nesting(depth_);
  HANDMILL_OK(check_depth());
  HANDMILL_OK(spend());
  ObjectPtr alive = callee.object_ptr();
  return alive->call(*this, arguments);
}

Result<Value> Interpreter::filter(std::string_view name, const Value& subject,
                                  const Arguments& arguments) {
  const Filter* filter = find_filter(name);
  if (!filter) return base::invalid("unknown filter '{}'", name);
  Nesting nesting(depth_);
  HANDMILL_OK(check_depth());
  HANDMILL_OK(spend_bytes(subject.text() ? subject.text()->size() : 0));
  return filter->apply(*this, subject, arguments);
}

Result<bool> Interpreter::test(std::string_view name, const Value& subject,
                               const Arguments& arguments) {
  const Test* test = find_test(name);
  if (!test) return base::invalid("unknown test '{}'", name);
  HANDMILL_OK(spend_bytes(subject.text() ? subject.text()->size() : 0));
  return test->holds(*this, subject, arguments);
}

}  // namespace handmill::chat::jinja
