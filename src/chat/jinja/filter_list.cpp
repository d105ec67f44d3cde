// Filters on lists and on anything that can be iterated.
#include <algorithm>

#include "chat/jinja/arguments.h"
#include "chat/jinja/attribute_path.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/limits.h"
#include "chat/jinja/objects.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/strings.h"
#include "chat/jinja/utf8.h"

namespace handmill::chat::jinja {
namespace {

std::string reverse_iterator_name(const Value& of) {
  if (of.dict()) return "dict_reversekeyiterator object";
  if (of.object_as<Range>()) return "range_iterator object";
  if (auto* view = of.object_as<DictView>()) {
    return view->part() == DictView::Part::kKeys     ? "dict_reversekeyiterator object"
           : view->part() == DictView::Part::kValues ? "dict_reversevalueiterator object"
                                                     : "dict_reverseitemiterator object";
  }
  bool list = of.sequence() && of.sequence()->kind == Sequence::Kind::kList;
  return list ? "list_reverseiterator object" : "reversed object";
}

}  // namespace

Result<Value> filter_length(Interpreter&, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind(arguments, "length", {}));
  if (const Marked* text = subject.text()) return Value(code_points(text->view()));
  if (const Sequence* sequence = subject.sequence()) return Value(sequence->items.size());
  if (const Dict* dict = subject.dict()) return Value(dict->size());
  if (subject.is_undefined()) return Value(0);
  if (subject.object()) {
    if (auto length = subject.object()->length()) return Value(*length);
  }
  return base::invalid("object of type '{}' has no len()", subject.type_name());
}

Result<Value> filter_first(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind(arguments, "first", {}));
  if (auto* generator = subject.object_as<Generator>()) {
    HANDMILL_TRY(Maybe item, generator->next(in));
    if (item) return std::move(*item);
    return Value::undefined("No first item, sequence was empty.");
  }
  if (const Marked* text = subject.text(); text && !text->empty()) {
    Marked character = text->slice(0, offset_of(text->view(), 1));
    character.safe = false;
    return in.text(std::move(character));
  }
  HANDMILL_TRY(Items items, in.iterate(subject));
  if (items.size() == 0) return Value::undefined("No first item, sequence was empty.");
  return items[0];
}

Result<Value> filter_last(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind(arguments, "last", {}));
  if (const Marked* text = subject.text(); text && !text->empty()) {
    return in.text(text->slice(previous_offset(text->view(), text->size()), text->size()));
  }
  bool reversible = subject.text() || subject.sequence() || subject.dict() ||
                    subject.object_as<DictView>() || subject.object_as<Range>() ||
                    subject.is_undefined();
  if (!reversible) return base::invalid("'{}' object is not reversible", subject.type_name());
  HANDMILL_TRY(Items items, in.iterate(subject));
  if (items.size() == 0) return Value::undefined("No last item, sequence was empty.");
  return items[items.size() - 1];
}

Result<Value> filter_list(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind(arguments, "list", {}));
  HANDMILL_TRY(Items items, in.iterate(subject));
  HANDMILL_OK(in.spend(items.size()));
  return make_sequence(std::move(items).take());
}

Result<Value> filter_join(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "join", {"d", "attribute"}));
  TextPtr separator = std::make_shared<const Marked>();
  if (p[0]) {
    HANDMILL_TRY(separator, to_text(in, *p[0]));
  }
  HANDMILL_TRY(Items items, in.iterate(subject));
  if (!given(p[1])) return joined(in, *separator, items, false);
  HANDMILL_TRY(AttributePath path, AttributePath::parse(*p[1]));
  std::vector<Value> values;
  for (const Value& item : items) {
    HANDMILL_OK(in.spend());
    HANDMILL_TRY(Value value, path.get(in, item));
    values.push_back(std::move(value));
  }
  return joined(in, *separator, Items(std::move(values)), false);
}

Result<Value> filter_reverse(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind(arguments, "reverse", {}));
  if (subject.text()) return in.slice(subject, Value(), Value(), Value(-1));
  HANDMILL_TRY(Items items, in.iterate(subject));
  HANDMILL_OK(in.spend(items.size()));
  std::vector<Value> reversed(items.begin(), items.end());
  std::reverse(reversed.begin(), reversed.end());
  if (subject.object_as<Generator>()) return make_sequence(std::move(reversed));
  HANDMILL_TRY(Value list, make_sequence(std::move(reversed)));
  int depth = list.depth() + 1;
  return make_generator(
      reverse_iterator_name(subject), depth,
      [list](Interpreter&) -> Result<std::vector<Value>> { return list.sequence()->items; });
}

Result<Value> filter_items(Interpreter&, const Value& subject, const Arguments& arguments) {
  HANDMILL_OK(bind(arguments, "items", {}));
  return make_generator("generator object do_items", subject.depth() + 2,
                        [subject](Interpreter& run) -> Result<std::vector<Value>> {
                          if (subject.is_undefined()) return std::vector<Value>();
                          if (!subject.dict())
                            return base::invalid("Can only get item pairs from a mapping.");
                          DictView view(subject, DictView::Part::kItems);
                          HANDMILL_TRY(Items items, view.iterate(run));
                          return std::move(items).take();
                        });
}

Result<Value> filter_batch(Interpreter&, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "batch", {"linecount", "fill_with"}, 1));
  Value size_value = *p[0];
  Value fill = p[1] ? *p[1] : Value();
  auto produce = [=](Interpreter& run) -> Result<std::vector<Value>> {
    HANDMILL_TRY(Items items, run.iterate(subject));
    auto size = size_value.as_number();
    std::vector<Value> rows, row;
    for (const Value& item : items) {
      HANDMILL_OK(run.spend(2));
      if (size && static_cast<double>(row.size()) == *size) {
        HANDMILL_TRY(Value made, make_sequence(std::move(row)));
        rows.push_back(std::move(made));
        row.clear();
      }
      row.push_back(item);
    }
    if (row.empty()) return rows;
    if (!fill.is_none()) {
      HANDMILL_TRY(Int count, require_integer(size_value));
      for (; Int{row.size()} < count; row.push_back(fill)) HANDMILL_OK(run.spend());
    }
    HANDMILL_TRY(Value made, make_sequence(std::move(row)));
    rows.push_back(std::move(made));
    return rows;
  };
  return make_generator("generator object sync_do_batch",
                        std::max(subject.depth(), fill.depth()) + 2, produce);
}

Result<Value> filter_slice(Interpreter&, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "slice", {"slices", "fill_with"}, 1));
  Value count_value = *p[0];
  Value fill = p[1] ? *p[1] : Value();
  auto produce = [=](Interpreter& run) -> Result<std::vector<Value>> {
    HANDMILL_TRY(Items items, run.iterate(subject));
    HANDMILL_TRY(Int count, require_integer(count_value));
    if (count == 0) return base::invalid("integer division or modulo by zero");
    std::vector<Value> slices;
    Int length = Int{items.size()};
    Int offset = 0;
    for (Int n = 0; n < count; ++n) {
      HANDMILL_OK(run.spend(2));
      Int start = offset + n * (length / count);
      bool extra = n < length % count;
      if (extra) ++offset;
      Int end = offset + (n + 1) * (length / count);
      HANDMILL_OK(run.spend(static_cast<uint64_t>(end - start)));
      std::vector<Value> slice(items.begin() + static_cast<ptrdiff_t>(start),
                               items.begin() + static_cast<ptrdiff_t>(end));
      if (!fill.is_none() && !extra) slice.push_back(fill);
      HANDMILL_TRY(Value made, make_sequence(std::move(slice)));
      slices.push_back(std::move(made));
    }
    return slices;
  };
  return make_generator("generator object sync_do_slice",
                        std::max(subject.depth(), fill.depth()) + 2, produce);
}

Result<Value> filter_default(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "default", {"default_value", "boolean"}));
  bool boolean = truth_or(p[1], false);
  if (!subject.is_undefined() && !(boolean && !subject.truth())) return subject;
  return p[0] ? *p[0] : in.text({});
}

Result<Value> filter_attr(Interpreter& in, const Value& subject, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "attr", {"name"}, 1));
  HANDMILL_TRY(TextPtr name, require_text(*p[0]));
  if (subject.is_undefined()) return base::invalid("{}", subject.undefined_message());
  HANDMILL_TRY(Maybe value, in.python_attribute(subject, name->view()));
  if (value) return std::move(*value);
  return Value::undefined(
      fmt::format("'{}' object has no attribute '{}'", subject.type_name(), name->view()));
}

}  // namespace handmill::chat::jinja
