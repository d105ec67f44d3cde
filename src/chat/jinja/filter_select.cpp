// map, select, reject and their attr forms: generators that apply a filter, a test or a path to
// each item.
#include "chat/jinja/arguments.h"
#include "chat/jinja/attribute_path.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/objects.h"

namespace handmill::chat::jinja {
namespace {

int depth_of(const Value& subject, const Arguments& arguments) {
  int depth = subject.depth();
  for (const Value& value : arguments.positional) depth = std::max(depth, value.depth());
  for (const auto& [name, value] : arguments.named) depth = std::max(depth, value.depth());
  return depth + 1;
}

Result<std::vector<Value>> map_attribute(Interpreter& in, const Value& subject,
                                         const Arguments& arguments) {
  Value attribute, fallback;
  for (const auto& [name, value] : arguments.named) {
    if (name == "attribute") {
      attribute = value;
    } else if (name == "default") {
      fallback = value;
    } else {
      return base::invalid("Unexpected keyword argument '{}'", name);
    }
  }
  HANDMILL_TRY(AttributePath path, AttributePath::parse(attribute));
  HANDMILL_TRY(Items items, in.iterate(subject));
  std::vector<Value> out;
  for (const Value& item : items) {
    HANDMILL_OK(in.spend());
    HANDMILL_TRY(Value value, path.get(in, item, fallback));
    out.push_back(std::move(value));
  }
  return out;
}

Result<std::vector<Value>> map_items(Interpreter& in, const Value& subject,
                                     const Arguments& arguments) {
  if (!subject.truth()) return std::vector<Value>();
  bool by_attribute = false;
  for (const auto& [name, value] : arguments.named) by_attribute |= name == "attribute";
  if (arguments.positional.empty() && by_attribute) return map_attribute(in, subject, arguments);
  if (arguments.positional.empty()) return base::invalid("map requires a filter argument");
  HANDMILL_TRY(Items items, in.iterate(subject));
  Arguments rest{{arguments.positional.begin() + 1, arguments.positional.end()}, arguments.named};
  std::vector<Value> out;
  for (const Value& item : items) {
    HANDMILL_OK(in.spend());
    HANDMILL_TRY(TextPtr name, require_text(arguments.positional[0]));
    HANDMILL_TRY(Value value, in.filter(name->view(), item, rest));
    out.push_back(std::move(value));
  }
  return out;
}

Result<std::vector<Value>> chosen(Interpreter& in, const Value& subject, const Arguments& arguments,
                                  bool by_attribute, bool wanted) {
  if (!subject.truth()) return std::vector<Value>();
  size_t used = by_attribute ? 1 : 0;
  if (arguments.positional.size() < used) {
    return base::invalid("Missing parameter for attribute name");
  }
  HANDMILL_TRY(AttributePath path,
               AttributePath::parse(by_attribute ? arguments.positional[0] : Value()));
  Arguments rest{{}, arguments.named};
  const Value* test = arguments.positional.size() > used ? &arguments.positional[used] : nullptr;
  for (size_t i = used + 1; i < arguments.positional.size(); ++i) {
    rest.positional.push_back(arguments.positional[i]);
  }
  HANDMILL_TRY(Items items, in.iterate(subject));
  std::vector<Value> out;
  for (const Value& item : items) {
    HANDMILL_OK(in.spend());
    HANDMILL_TRY(Value value, path.get(in, item));
    bool holds = value.truth();
    if (test) {
      HANDMILL_TRY(TextPtr name, require_text(*test));
      HANDMILL_TRY(holds, in.test(name->view(), value, rest));
    }
    if (holds == wanted) out.push_back(item);
  }
  return out;
}

Result<Value> choose(const Value& subject, const Arguments& arguments, bool by_attribute,
                     bool wanted) {
  return make_generator("generator object select_or_reject", depth_of(subject, arguments),
                        [=](Interpreter& run) -> Result<std::vector<Value>> {
                          return chosen(run, subject, arguments, by_attribute, wanted);
                        });
}

}  // namespace

Result<Value> filter_map(Interpreter&, const Value& subject, const Arguments& arguments) {
  return make_generator("generator object sync_do_map", depth_of(subject, arguments),
                        [=](Interpreter& run) -> Result<std::vector<Value>> {
                          return map_items(run, subject, arguments);
                        });
}

Result<Value> filter_select(Interpreter&, const Value& subject, const Arguments& arguments) {
  return choose(subject, arguments, false, true);
}
Result<Value> filter_reject(Interpreter&, const Value& subject, const Arguments& arguments) {
  return choose(subject, arguments, false, false);
}
Result<Value> filter_selectattr(Interpreter&, const Value& subject, const Arguments& arguments) {
  return choose(subject, arguments, true, true);
}
Result<Value> filter_rejectattr(Interpreter&, const Value& subject, const Arguments& arguments) {
  return choose(subject, arguments, true, false);
}

}  // namespace handmill::chat::jinja
