// The objects that templates meet: namespaces, functions, macros, loops, ranges, generators, views
// of dicts, and the helpers cycler and joiner.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chat/jinja/interpreter.h"
#include "chat/jinja/value.h"

namespace handmill::chat::jinja {

using NativeFunction = std::function<Result<Value>(Interpreter&, const Arguments&)>;

/// A function of the engine's own, or a method bound to its object.
class Function : public Object {
 public:
  Function(std::string name, NativeFunction function, int depth = 1)
      : name_(std::move(name)), function_(std::move(function)), depth_(depth) {}
  std::string_view type_name() const override { return "builtin_function_or_method"; }
  std::string repr() const override { return fmt::format("<{}>", name_); }
  bool callable() const override { return true; }
  Result<Value> call(Interpreter& in, const Arguments& a) override { return function_(in, a); }
  int depth() const override { return depth_; }

 private:
  std::string name_;
  NativeFunction function_;
  int depth_;
};

class Namespace : public Object {
 public:
  explicit Namespace(Dict values) : values_(std::move(values)) {}
  std::string_view type_name() const override { return "Namespace"; }
  Result<Maybe> attribute(Interpreter&, std::string_view name) override;
  void set(std::string_view name, Value value) { values_.set_text(name, std::move(value)); }
  const Dict& values() const { return values_; }
  void clear() override;

 private:
  Dict values_;
};

class Macro : public Object {
 public:
  Macro(const MacroDef& definition, Scope* scope) : definition_(definition), scope_(scope) {}
  std::string_view type_name() const override { return "Macro"; }
  std::string repr() const override;
  Result<Maybe> attribute(Interpreter& in, std::string_view name) override;
  bool callable() const override { return true; }
  Result<Value> call(Interpreter& in, const Arguments& arguments) override;

 private:
  const MacroDef& definition_;
  Scope* scope_;
};

/// The loop variable, and the iteration itself: it looks ahead only as far as it is asked to, since
/// the loop's test may depend on what the body did.
class Loop : public Object, public std::enable_shared_from_this<Loop> {
 public:
  Loop(const Stmt& stmt, Scope* outer, Items items, int depth)
      : stmt_(&stmt), outer_(outer), items_(std::move(items)), depth0_(depth) {}
  /// The next item, which becomes the current one; nullopt: the end.
  Result<Maybe> advance(Interpreter& in);
  void finish() { exhausted_ = true; }

  std::string_view type_name() const override { return "LoopContext"; }
  std::string repr() const override;
  Result<Maybe> attribute(Interpreter& in, std::string_view name) override;
  bool callable() const override { return true; }
  Result<Value> call(Interpreter& in, const Arguments& arguments) override;
  std::optional<size_t> length() override { return static_cast<size_t>(index0_ + 1); }
  void clear() override;

 private:
  Result<Maybe> pull(Interpreter& in);
  Status peek(Interpreter& in);
  Result<Int> total(Interpreter& in);
  Result<Value> cycle(Interpreter& in, const Arguments& arguments);
  Result<Value> changed(Interpreter& in, const Arguments& arguments);

  const Stmt* stmt_;
  Scope* outer_;
  Items items_;
  size_t next_ = 0;
  Int index0_ = -1;
  int depth0_;
  bool exhausted_ = false;
  bool filtered_ = false;  // the items have passed the loop's test already
  Maybe before_, current_, after_, last_changed_;
  bool peeked_ = false;
  std::optional<Int> total_;
};

class Range : public Object {
 public:
  Range(Int start, Int stop, Int step) : start_(start), stop_(stop), step_(step) {}
  Int count() const;
  Int at(Int index) const { return start_ + index * step_; }
  Int start() const { return start_; }
  Int step() const { return step_; }
  std::string_view type_name() const override { return "range"; }
  std::string repr() const override;
  Result<Maybe> attribute(Interpreter& in, std::string_view name) override;
  bool iterable() const override { return true; }
  Result<Items> iterate(Interpreter& in) override;
  std::optional<size_t> length() override { return static_cast<size_t>(count()); }
  Result<Maybe> item(Interpreter& in, const Value& key) override;

 private:
  Int start_, stop_, step_;
};

/// What map, select and their like give: computed when it is first asked for, and used up by that.
class Generator : public Object {
 public:
  using Producer = std::function<Result<std::vector<Value>>(Interpreter&)>;
  Generator(std::string name, int depth, Producer producer)
      : name_(std::move(name)), depth_(depth), producer_(std::move(producer)) {}
  std::string_view type_name() const override { return "generator"; }
  std::string repr() const override;
  bool iterable() const override { return true; }
  Result<Items> iterate(Interpreter& in) override;
  Result<Maybe> next(Interpreter& in);
  int depth() const override { return depth_; }

 private:
  Status produce(Interpreter& in);

  std::string name_;
  int depth_;
  Producer producer_;
  std::vector<Value> items_;
  size_t position_ = 0;
};
Result<Value> make_generator(std::string name, int depth, Generator::Producer producer);

/// dict.keys(), values() and items().
class DictView : public Object {
 public:
  enum class Part { kKeys, kValues, kItems };
  DictView(Value dict, Part part) : dict_(std::move(dict)), part_(part) {}
  const Dict& dict() const { return *dict_.dict(); }
  Part part() const { return part_; }
  std::string_view type_name() const override;
  bool iterable() const override { return true; }
  Result<Items> iterate(Interpreter& in) override;
  std::optional<size_t> length() override { return dict().size(); }
  bool hashable() const override { return part_ == Part::kValues; }
  int depth() const override { return dict_.depth() + 1; }

 private:
  Value dict_;
  Part part_;
};

class Cycler : public Object, public std::enable_shared_from_this<Cycler> {
 public:
  explicit Cycler(Value items) : items_(std::move(items)) {}
  std::string_view type_name() const override { return "Cycler"; }
  Result<Maybe> attribute(Interpreter& in, std::string_view name) override;
  int depth() const override { return items_.depth() + 1; }

 private:
  Value current() const { return items_.sequence()->items[position_]; }
  Value items_;  // a list that is not empty
  size_t position_ = 0;
};

class Joiner : public Object {
 public:
  explicit Joiner(Value separator) : separator_(std::move(separator)) {}
  std::string_view type_name() const override { return "Joiner"; }
  bool callable() const override { return true; }
  Result<Value> call(Interpreter& in, const Arguments& arguments) override;
  int depth() const override { return separator_.depth() + 1; }

 private:
  Value separator_;
  bool used_ = false;
};

}  // namespace handmill::chat::jinja
