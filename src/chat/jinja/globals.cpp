// One function a global, and the table of them. (lipsum is not among them: it is random.)
#include "chat/jinja/globals.h"

#include <array>
#include <ctime>

#include "chat/jinja/arguments.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/limits.h"
#include "chat/jinja/objects.h"
#include "chat/jinja/repr.h"

namespace handmill::chat::jinja {
namespace {

Result<Value> range(Interpreter&, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind_positional(arguments, "range", 1, 3));
  HANDMILL_TRY(Int start, require_integer(*p[0]));
  HANDMILL_TRY(Int stop, integer_or(p[1], start));
  HANDMILL_TRY(Int step, integer_or(p[2], 1));
  if (!p[1]) start = 0;
  if (step == 0) return base::invalid("range() arg 3 must not be zero");
  constexpr Int kFar = Int{1} << 100;
  if (start > kFar || start < -kFar || stop > kFar || stop < -kFar || step > kFar || step < -kFar) {
    return base::limit("integer: range() takes at most 100 bits");
  }
  auto made = std::make_shared<Range>(start, stop, step);
  if (made->count() > kRangeMax) {
    return base::limit("range length: {} is more than {}", made->count(), kRangeMax);
  }
  return Value(ObjectPtr(std::move(made)));
}

Result<Dict> dict_of(Interpreter& in, const Arguments& arguments, std::string_view function) {
  if (arguments.positional.size() > 1) {
    return base::invalid("{} expected at most 1 argument", function);
  }
  Dict dict;
  if (!arguments.positional.empty()) {
    const Value& source = arguments.positional[0];
    if (source.dict()) {
      HANDMILL_OK(in.spend(source.dict()->size()));
      dict = *source.dict();
    } else {
      HANDMILL_TRY(Items pairs, in.iterate(source));
      for (const Value& pair : pairs) {
        HANDMILL_OK(in.spend());
        HANDMILL_TRY(Items two, in.iterate(pair));
        if (two.size() != 2) return base::invalid("{} needs pairs", function);
        HANDMILL_OK(dict.set(two[0], two[1]));
      }
    }
  }
  for (const auto& [name, value] : arguments.named) {
    HANDMILL_OK(dict.set(Value::text(name), value));
  }
  return dict;
}

Result<Value> make_dict(Interpreter& in, const Arguments& arguments) {
  HANDMILL_TRY(Dict dict, dict_of(in, arguments, "dict"));
  return Value(DictPtr(std::make_shared<Dict>(std::move(dict))));
}

Result<Value> make_namespace(Interpreter& in, const Arguments& arguments) {
  HANDMILL_TRY(Dict dict, dict_of(in, arguments, "namespace"));
  auto made = std::make_shared<Namespace>(std::move(dict));
  in.keep(made);
  return Value(ObjectPtr(std::move(made)));
}

Result<Value> make_cycler(Interpreter&, const Arguments& arguments) {
  if (!arguments.named.empty()) return base::invalid("cycler() takes no keyword arguments");
  if (arguments.positional.empty()) return base::invalid("at least one item has to be provided");
  HANDMILL_TRY(Value items, make_sequence(arguments.positional, Sequence::Kind::kTuple));
  if (items.depth() >= kValueDepthMax) return base::limit("value depth: {}", kValueDepthMax);
  return Value(ObjectPtr(std::make_shared<Cycler>(std::move(items))));
}

Result<Value> make_joiner(Interpreter&, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "joiner", {"sep"}));
  Value separator = p[0] ? *p[0] : Value::text(", ");
  if (separator.depth() >= kValueDepthMax) return base::limit("value depth: {}", kValueDepthMax);
  return Value(ObjectPtr(std::make_shared<Joiner>(std::move(separator))));
}

Result<Value> raise_exception(Interpreter& in, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "raise_exception", {"message"}, 1));
  HANDMILL_TRY(TextPtr message, to_text(in, *p[0]));
  return base::invalid("the template refuses: {}", message->view().substr(0, 4096));
}

Result<Value> strftime_now(Interpreter& in, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "strftime_now", {"format"}, 1));
  HANDMILL_TRY(TextPtr format, require_text(*p[0]));
  if (format->size() > 256) return base::limit("strftime format bytes: more than 256");
  if (format->empty()) return in.text({});
  std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 4096> out;
  std::string pattern(format->view());
  size_t n = std::strftime(out.data(), out.size(), pattern.c_str(), &local);
  bool user = false;
  for (const Marked::Run& run : format->runs()) user |= run.user;
  return in.text(Marked(std::string(out.data(), n), user));
}

struct Global {
  std::string_view name;
  Result<Value> (*call)(Interpreter&, const Arguments&);
};
constexpr Global kGlobals[] = {
    {"range", range},
    {"dict", make_dict},
    {"namespace", make_namespace},
    {"cycler", make_cycler},
    {"joiner", make_joiner},
    {"raise_exception", raise_exception},
    {"strftime_now", strftime_now},
};

}  // namespace

std::optional<Value> builtin_global(std::string_view name) {
  for (const Global& global : kGlobals) {
    if (global.name == name) {
      return Value(ObjectPtr(
          std::make_shared<Function>(fmt::format("function {} at 0x0", name), global.call)));
    }
  }
  return std::nullopt;
}

}  // namespace handmill::chat::jinja
