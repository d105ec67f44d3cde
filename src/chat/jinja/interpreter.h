// Runs a parsed template: expressions to values, statements to output. One Interpreter is one
// render; it counts steps, depth and bytes against limits.h, and every operation of the engine that
// can be slow or large goes through spend() and text().
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chat/jinja/ast.h"
#include "chat/jinja/value.h"

namespace handmill::chat::jinja {

/// The variables of a block. Scopes live as long as the render, since macros point at them.
struct Scope {
  Scope* parent = nullptr;
  std::vector<std::pair<std::string_view, Value>> variables;
  bool captured = false;  // a macro may come back to it
};

class Loop;

class Interpreter {
 public:
  /// `globals` must outlive it.
  explicit Interpreter(const Dict& globals);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  /// Once. Errors name the line.
  Result<Marked> render(const Block& block);

  // Costs.
  Status spend(uint64_t steps = 1);
  Status spend_bytes(size_t bytes) { return spend(1 + bytes / 1024); }
  /// A new string, held to the limits of one and of all strings.
  Result<Value> text(Marked text);
  int& depth() { return depth_; }
  Status check_depth() const;
  /// For objects that can come to hold themselves: they are cleared when the render ends.
  void keep(ObjectPtr object) { kept_.push_back(std::move(object)); }
  void release_last(const Object* object);

  // Operations (access.cpp).
  Result<Items> iterate(const Value& value);
  Result<Value> get_attr(const Value& object, std::string_view name);
  Result<Value> get_item(const Value& object, const Value& key);
  /// Python's getattr, hidden names included as an Undefined that says so.
  Result<Maybe> python_attribute(const Value& object, std::string_view name);
  Result<Value> slice(const Value& object, const Value& start, const Value& stop,
                      const Value& step);
  Result<Value> call(const Value& callee, const Arguments& arguments);
  Result<Value> filter(std::string_view name, const Value& subject, const Arguments& arguments);
  Result<bool> test(std::string_view name, const Value& subject, const Arguments& arguments);

  // For loops and macros (exec.cpp).
  Result<Marked> render_recursive(const Stmt& loop, Scope* outer, Items items, int depth);
  Result<Marked> run_macro(const MacroDef& macro, Scope* defined_in, std::vector<Maybe> arguments,
                           std::vector<std::pair<std::string_view, Value>> extras);
  Result<bool> passes(const Stmt& loop, Scope* outer, const Value& item);

 private:
  enum class Flow { kNormal, kBreak, kContinue };
  struct Live;

  // eval.cpp
  Result<Value> eval(const Expr& expr);
  Result<Value> dispatch(const Expr& expr);
  Result<Value> eval_optional(const ExprPtr& expr);
  Result<Value> eval_name(const Expr& expr);
  Result<Value> eval_sequence(const Expr& expr);
  Result<Value> eval_dict(const Expr& expr);
  Result<Value> eval_conditional(const Expr& expr);
  Result<Value> eval_logic(const Expr& expr);
  Result<Value> eval_not(const Expr& expr);
  Result<Value> eval_compare(const Expr& expr);
  Result<Value> eval_arithmetic(const Expr& expr);
  Result<Value> eval_concat(const Expr& expr);
  Result<Value> eval_sign(const Expr& expr);
  Result<Value> eval_attr(const Expr& expr);
  Result<Value> eval_item(const Expr& expr);
  Result<Value> eval_slice(const Expr& expr);
  Result<Value> eval_call(const Expr& expr, const Value* caller = nullptr);
  Result<Value> eval_filter(const Expr& expr, const Value* block_text = nullptr);
  Result<Value> eval_test(const Expr& expr);
  Result<Arguments> eval_arguments(const CallExprs& call);

  // exec.cpp
  Result<Flow> run(const Block& block);
  Result<Flow> exec(const Stmt& stmt);
  Result<Flow> dispatch(const Stmt& stmt);
  Result<Flow> exec_output(const Stmt& stmt);
  Result<Flow> exec_set(const Stmt& stmt);
  Result<Flow> exec_set_block(const Stmt& stmt);
  Result<Flow> exec_if(const Stmt& stmt);
  Result<Flow> exec_for(const Stmt& stmt);
  Result<Flow> run_loop(const Stmt& stmt, Scope* outer, Items items, int depth);
  Result<Flow> run_body(const Stmt& stmt, const std::shared_ptr<Loop>& loop, bool& ran);
  Result<Flow> exec_macro(const Stmt& stmt);
  Result<Flow> exec_call(const Stmt& stmt);
  Result<Flow> exec_filter(const Stmt& stmt);
  Result<Flow> exec_with(const Stmt& stmt);
  Result<Flow> exec_generation(const Stmt& stmt);
  Result<Flow> run_scoped(const Block& block, Marked& out);
  Status assign(const Expr& target, Value value, Scope& scope);
  Status check_namespaces(const Expr& target);
  Status emit(const Marked& text);
  Status emit_text(const Value& value);
  Value lookup(std::string_view name, uint64_t& looked_at) const;
  ObjectPtr make_macro(const MacroDef& macro);
  Scope* open_scope(Scope* parent);
  void close_scope(Scope* scope);

  template <class T>
  T located(T result, int line) {
    if (!result.ok() && line_ == 0) line_ = line;
    return result;
  }

  const Dict& globals_;
  std::deque<Scope> scopes_;
  std::vector<Scope*> free_scopes_;
  std::vector<ObjectPtr> kept_;
  std::shared_ptr<size_t> live_bytes_;
  Scope* scope_ = nullptr;
  Marked* out_ = nullptr;
  uint64_t steps_ = 0;
  int depth_ = 0;
  int line_ = 0;  // of the innermost construct that failed
};

}  // namespace handmill::chat::jinja
