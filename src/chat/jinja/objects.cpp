// What each object does when it is called, iterated or asked for an attribute.
#include "chat/jinja/objects.h"

#include "chat/jinja/arguments.h"
#include "chat/jinja/compare.h"
#include "chat/jinja/limits.h"

namespace handmill::chat::jinja {

Result<Maybe> Namespace::attribute(Interpreter&, std::string_view name) {
  const Value* value = values_.find(name);
  return value ? Maybe(*value) : Maybe();
}

void Namespace::clear() {
  Dict gone;
  std::swap(gone, values_);
}

std::string Macro::repr() const {
  return definition_.name.empty() ? "<Macro anonymous>"
                                  : fmt::format("<Macro '{}'>", definition_.name);
}

Result<Maybe> Macro::attribute(Interpreter& in, std::string_view name) {
  if (name == "name") {
    if (definition_.name.empty()) return Maybe(Value());
    return Maybe(Value::text(definition_.name));
  }
  if (name == "catch_kwargs") return Maybe(Value(definition_.uses_kwargs));
  if (name == "catch_varargs") return Maybe(Value(definition_.uses_varargs));
  if (name == "caller") return Maybe(Value(definition_.uses_caller));
  if (name != "arguments") return Maybe();
  std::vector<Value> names;
  for (const std::string& parameter : definition_.parameters) {
    HANDMILL_OK(in.spend());
    names.push_back(Value::text(parameter));
  }
  HANDMILL_TRY(Value tuple, make_sequence(std::move(names), Sequence::Kind::kTuple));
  return Maybe(std::move(tuple));
}

Result<Value> Macro::call(Interpreter& in, const Arguments& arguments) {
  const MacroDef& def = definition_;
  std::vector<Maybe> values(def.parameters.size());
  size_t given_count = std::min(arguments.positional.size(), values.size());
  for (size_t i = 0; i < given_count; ++i) values[i] = arguments.positional[i];
  bool found_caller = false;
  for (size_t i = 0; i < values.size(); ++i) found_caller |= def.parameters[i] == "caller";
  std::vector<std::pair<std::string_view, Value>> extras;
  Maybe caller;
  auto kwargs = std::make_shared<Dict>();
  for (const auto& [name, value] : arguments.named) {
    HANDMILL_OK(in.spend());
    size_t i = given_count;
    while (i < values.size() && def.parameters[i] != name) ++i;
    if (i < values.size()) {
      values[i] = value;
    } else if (name == "caller" && def.uses_caller && !found_caller) {
      caller = value;
    } else if (def.uses_kwargs) {
      HANDMILL_OK(kwargs->set(Value::text(name), value));
    } else {
      return base::invalid("macro '{}' takes no keyword argument '{}'", def.name, name);
    }
  }
  if (def.uses_caller && !found_caller) {
    bool none = !caller || caller->is_none();
    extras.emplace_back("caller", none ? Value::undefined("No caller defined") : *caller);
  }
  if (def.uses_kwargs) extras.emplace_back("kwargs", DictPtr(std::move(kwargs)));
  if (def.uses_varargs) {
    std::vector<Value> rest(arguments.positional.begin() + static_cast<ptrdiff_t>(given_count),
                            arguments.positional.end());
    HANDMILL_TRY(Value tuple, make_sequence(std::move(rest), Sequence::Kind::kTuple));
    extras.emplace_back("varargs", std::move(tuple));
  } else if (arguments.positional.size() > values.size()) {
    return base::invalid("macro '{}' takes not more than {} argument(s)", def.name, values.size());
  }
  HANDMILL_TRY(Marked text, in.run_macro(def, scope_, std::move(values), std::move(extras)));
  return in.text(std::move(text));
}

Int Range::count() const {
  if (step_ > 0) return start_ < stop_ ? (stop_ - start_ - 1) / step_ + 1 : 0;
  return start_ > stop_ ? (start_ - stop_ - 1) / -step_ + 1 : 0;
}

std::string Range::repr() const {
  if (step_ == 1) return fmt::format("range({}, {})", start_, stop_);
  return fmt::format("range({}, {}, {})", start_, stop_, step_);
}

Result<Maybe> Range::attribute(Interpreter&, std::string_view name) {
  if (name == "start") return Maybe(Value(start_));
  if (name == "stop") return Maybe(Value(stop_));
  if (name == "step") return Maybe(Value(step_));
  return Maybe();
}

Result<Items> Range::iterate(Interpreter& in) {
  HANDMILL_OK(in.spend(static_cast<uint64_t>(count())));
  std::vector<Value> items;
  items.reserve(static_cast<size_t>(count()));
  for (Int i = 0; i < count(); ++i) items.emplace_back(at(i));
  return Items(std::move(items));
}

Result<Maybe> Range::item(Interpreter&, const Value& key) {
  auto index = key.as_integer();
  if (!index) return Maybe();
  Int i = *index < 0 ? *index + count() : *index;
  if (i < 0 || i >= count()) return Maybe();
  return Maybe(Value(at(i)));
}

Result<Value> make_generator(std::string name, int depth, Generator::Producer producer) {
  if (depth > kValueDepthMax) return base::limit("value depth: more than {}", kValueDepthMax);
  return Value(ObjectPtr(std::make_shared<Generator>(std::move(name), depth, std::move(producer))));
}

std::string Generator::repr() const { return fmt::format("<{} at 0x0>", name_); }

Status Generator::produce(Interpreter& in) {
  if (!producer_) return {};
  Producer producer = std::move(producer_);
  producer_ = nullptr;
  HANDMILL_TRY(items_, producer(in));
  return {};
}

Result<Items> Generator::iterate(Interpreter& in) {
  HANDMILL_OK(produce(in));
  HANDMILL_OK(in.spend(items_.size() - position_));
  std::vector<Value> rest(items_.begin() + static_cast<ptrdiff_t>(position_), items_.end());
  position_ = items_.size();
  return Items(std::move(rest));
}

Result<Maybe> Generator::next(Interpreter& in) {
  HANDMILL_OK(produce(in));
  if (position_ == items_.size()) return Maybe();
  return Maybe(items_[position_++]);
}

std::string_view DictView::type_name() const {
  return part_ == Part::kKeys ? "dict_keys" : part_ == Part::kValues ? "dict_values" : "dict_items";
}

Result<Items> DictView::iterate(Interpreter& in) {
  HANDMILL_OK(in.spend(dict().size()));
  std::vector<Value> items;
  for (const Dict::Entry& entry : dict().entries()) {
    if (part_ == Part::kItems) {
      HANDMILL_TRY(Value pair, make_sequence({entry.key, entry.value}, Sequence::Kind::kTuple));
      items.push_back(std::move(pair));
    } else {
      items.push_back(part_ == Part::kKeys ? entry.key : entry.value);
    }
  }
  return Items(std::move(items));
}

Result<Maybe> Cycler::attribute(Interpreter&, std::string_view name) {
  if (name == "current") return Maybe(current());
  if (name == "pos") return Maybe(Value(position_));
  if (name == "items") return Maybe(items_);
  if (name != "next" && name != "reset") return Maybe();
  auto self = shared_from_this();
  bool steps = name == "next";
  NativeFunction body = [self, steps](Interpreter&, const Arguments& arguments) -> Result<Value> {
    HANDMILL_OK(bind(arguments, "cycler method", {}));
    Value value = self->current();
    size_t n = self->items_.sequence()->items.size();
    self->position_ = steps ? (self->position_ + 1) % n : 0;
    return steps ? value : Value();
  };
  return Maybe(Value(ObjectPtr(std::make_shared<Function>(std::string(name), body, depth() + 1))));
}

Result<Value> Joiner::call(Interpreter& in, const Arguments& arguments) {
  HANDMILL_OK(bind(arguments, "joiner", {}));
  if (used_) return separator_;
  used_ = true;
  return in.text({});
}

}  // namespace handmill::chat::jinja
