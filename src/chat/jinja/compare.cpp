// Recursion into containers is bounded by their depth, its cost by the step budget (a list that
// holds another one twice, sixty times over, is cheap to build and dear to compare).
#include "chat/jinja/compare.h"

#include <cstring>
#include <optional>

#include "chat/jinja/interpreter.h"
#include "chat/jinja/objects.h"

namespace handmill::chat::jinja {
namespace {

/// A number in a format that holds both floats and 64-bit integers exactly.
std::optional<long double> wide(const Value& value) {
  if (auto integer = value.as_integer()) return static_cast<long double>(*integer);
  if (const double* number = value.number()) return *number;
  return std::nullopt;
}

std::string_view op_text(Op op) {
  switch (op) {
    case Op::kLess: return "<";
    case Op::kLessEqual: return "<=";
    case Op::kGreater: return ">";
    default: return ">=";
  }
}

template <class T>
bool ordered(Op op, const T& a, const T& b) {
  switch (op) {
    case Op::kLess: return a < b;
    case Op::kLessEqual: return a <= b;
    case Op::kGreater: return a > b;
    default: return a >= b;
  }
}

bool same_sequence_kind(const Sequence& a, const Sequence& b) {
  return (a.kind == Sequence::Kind::kList) == (b.kind == Sequence::Kind::kList);
}

Result<bool> equal_dicts(Interpreter& in, const Dict& a, const Dict& b) {
  if (a.size() != b.size()) return false;
  for (const Dict::Entry& entry : a.entries()) {
    const Value* other = b.find_code(entry.code);
    if (!other) return false;
    HANDMILL_TRY(bool same, equal(in, entry.value, *other));
    if (!same) return false;
  }
  return true;
}

/// dict.keys() and dict.items() compare as sets.
const DictView* as_set(const Value& value) {
  auto* view = value.object_as<DictView>();
  return view && view->part() != DictView::Part::kValues ? view : nullptr;
}

Result<bool> is_subset(Interpreter& in, const Value& a, const Value& b) {
  HANDMILL_TRY(Items items, in.iterate(a));
  for (const Value& item : items) {
    HANDMILL_TRY(bool found, contains(in, b, item));
    if (!found) return false;
  }
  return true;
}

Result<bool> order_sets(Interpreter& in, Op op, const Value& a, const Value& b) {
  bool less = op == Op::kLess || op == Op::kLessEqual;
  const Value &small = less ? a : b, &large = less ? b : a;
  size_t small_size = as_set(small)->dict().size(), large_size = as_set(large)->dict().size();
  bool strict = op == Op::kLess || op == Op::kGreater;
  if (small_size > large_size || (strict && small_size == large_size)) return false;
  return is_subset(in, small, large);
}

Result<bool> order(Interpreter& in, Op op, const Value& a, const Value& b) {
  HANDMILL_OK(in.spend());
  for (const Value* side : {&a, &b}) {
    if (side->is_undefined()) return base::invalid("{}", side->undefined_message());
  }
  if (auto x = a.as_integer(), y = b.as_integer(); x && y) return ordered(op, *x, *y);
  if (auto x = wide(a), y = wide(b); x && y) return ordered(op, *x, *y);
  if (a.text() && b.text()) {
    HANDMILL_OK(in.spend_bytes(std::min(a.text()->size(), b.text()->size())));
    return ordered(op, a.text()->view(), b.text()->view());
  }
  const Sequence *x = a.sequence(), *y = b.sequence();
  if (x && y && same_sequence_kind(*x, *y)) {
    for (size_t i = 0; i < x->items.size() && i < y->items.size(); ++i) {
      HANDMILL_TRY(bool same, equal(in, x->items[i], y->items[i]));
      if (!same) return order(in, op, x->items[i], y->items[i]);
    }
    return ordered(op, x->items.size(), y->items.size());
  }
  if (as_set(a) && as_set(b)) return order_sets(in, op, a, b);
  return base::invalid("'{}' not supported between instances of '{}' and '{}'", op_text(op),
                       a.type_name(), b.type_name());
}

Result<bool> among(Interpreter& in, std::span<const Value> items, const Value& item) {
  for (const Value& candidate : items) {
    HANDMILL_TRY(bool same, equal(in, candidate, item));
    if (same) return true;
  }
  return false;
}

Result<bool> in_object(Interpreter& in, const Value& container, const Value& item) {
  if (auto* view = container.object_as<DictView>(); view && view->part() == DictView::Part::kKeys) {
    HANDMILL_TRY(std::string code, key_code(item));
    return view->dict().find_code(code) != nullptr;
  }
  if (auto* range = container.object_as<Range>()) {
    auto number = item.as_number();
    if (!number) return false;
    Int whole = item.as_integer().value_or(
        static_cast<Int>(*number > -1e30 && *number < 1e30 ? *number : 0));
    if (static_cast<double>(whole) != *number && !item.as_integer()) return false;
    Int steps = (whole - range->start()) / range->step();
    return steps >= 0 && steps < range->count() && range->at(steps) == whole;
  }
  if (!container.object()->iterable()) {
    return base::invalid("argument of type '{}' is not iterable", container.type_name());
  }
  HANDMILL_TRY(Items items, container.object()->iterate(in));
  return among(in, items.view(), item);
}

}  // namespace

size_t find_text(std::string_view text, std::string_view needle, size_t from) {
  if (from > text.size()) return std::string_view::npos;
  const void* at = memmem(text.data() + from, text.size() - from, needle.data(), needle.size());
  if (!at) return std::string_view::npos;
  return static_cast<size_t>(static_cast<const char*>(at) - text.data());
}

Result<bool> equal(Interpreter& in, const Value& a, const Value& b) {
  HANDMILL_OK(in.spend());
  if (a.is_undefined() || b.is_undefined()) return a.is_undefined() && b.is_undefined();
  if (auto x = a.as_integer(), y = b.as_integer(); x && y) return *x == *y;
  if (auto x = wide(a), y = wide(b); x && y) return *x == *y;
  if (a.text() && b.text()) {
    HANDMILL_OK(in.spend_bytes(a.text()->size() == b.text()->size() ? a.text()->size() : 0));
    return a.text()->view() == b.text()->view();
  }
  if (const Sequence *x = a.sequence(), *y = b.sequence(); x && y) {
    if (x == y) return true;
    if (!same_sequence_kind(*x, *y) || x->items.size() != y->items.size()) return false;
    for (size_t i = 0; i < x->items.size(); ++i) {
      HANDMILL_TRY(bool same, equal(in, x->items[i], y->items[i]));
      if (!same) return false;
    }
    return true;
  }
  if (a.dict() && b.dict()) return equal_dicts(in, *a.dict(), *b.dict());
  if (a.is_none() && b.is_none()) return true;
  if (as_set(a) && as_set(b)) {
    if (as_set(a)->dict().size() != as_set(b)->dict().size()) return false;
    return is_subset(in, a, b);
  }
  return a.object() != nullptr && a.object() == b.object();
}

Result<bool> contains(Interpreter& in, const Value& container, const Value& item) {
  if (const Marked* text = container.text()) {
    if (!item.text()) {
      return base::invalid("'in <string>' requires string as left operand, not {}",
                           item.type_name());
    }
    HANDMILL_OK(in.spend_bytes(text->size()));
    return find_text(text->view(), item.text()->view()) != std::string_view::npos;
  }
  if (const Sequence* sequence = container.sequence()) return among(in, sequence->items, item);
  if (const Dict* dict = container.dict()) {
    HANDMILL_TRY(std::string code, key_code(item));
    HANDMILL_OK(in.spend_bytes(code.size()));
    return dict->find_code(code) != nullptr;
  }
  if (container.is_undefined()) return false;
  if (container.object()) return in_object(in, container, item);
  return base::invalid("argument of type '{}' is not iterable", container.type_name());
}

Result<bool> compare(Interpreter& in, Op op, const Value& a, const Value& b) {
  if (op == Op::kIn || op == Op::kNotIn) {
    HANDMILL_TRY(bool found, contains(in, b, a));
    return found == (op == Op::kIn);
  }
  if (op == Op::kEqual || op == Op::kNotEqual) {
    HANDMILL_TRY(bool same, equal(in, a, b));
    return same == (op == Op::kEqual);
  }
  return order(in, op, a, b);
}

}  // namespace handmill::chat::jinja
