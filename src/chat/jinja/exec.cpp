// Statements: each writes to the current output and says whether a loop is to be left.
#include "chat/jinja/filters.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/limits.h"
#include "chat/jinja/nesting.h"
#include "chat/jinja/objects.h"
#include "chat/jinja/repr.h"

namespace handmill::chat::jinja {

Result<Interpreter::Flow> Interpreter::run(const Block& block) {
  for (const Stmt& stmt : block) {
    HANDMILL_TRY(Flow flow, exec(stmt));
    if (flow != Flow::kNormal) return flow;
  }
  return Flow::kNormal;
}

Result<Interpreter::Flow> Interpreter::exec(const Stmt& stmt) {
  if (Status cost = spend(); !cost.ok()) return located(std::move(cost), stmt.line).error();
  if (stmt.kind == StmtKind::kText) {
    if (Status s = emit(stmt.text); !s.ok()) return located(std::move(s), stmt.line).error();
    return Flow::kNormal;
  }
  Nesting nesting(depth_);
  if (Status deep = check_depth(); !deep.ok()) return located(std::move(deep), stmt.line).error();
  return located(dispatch(stmt), stmt.line);
}

Result<Interpreter::Flow> Interpreter::dispatch(const Stmt& stmt) {
  switch (stmt.kind) {
    case StmtKind::kText:
    case StmtKind::kOutput: return exec_output(stmt);
    case StmtKind::kSet: return exec_set(stmt);
    case StmtKind::kSetBlock: return exec_set_block(stmt);
    case StmtKind::kFor: return exec_for(stmt);
    case StmtKind::kIf: return exec_if(stmt);
    case StmtKind::kMacro: return exec_macro(stmt);
    case StmtKind::kCall: return exec_call(stmt);
    case StmtKind::kFilter: return exec_filter(stmt);
    case StmtKind::kWith: return exec_with(stmt);
    case StmtKind::kGeneration: return exec_generation(stmt);
    case StmtKind::kBreak: return Flow::kBreak;
    case StmtKind::kContinue: return Flow::kContinue;
  }
  return Flow::kNormal;
}

Status Interpreter::emit(const Marked& text) {
  out_->append(text);
  if (!out_->overflowed()) return {};
  return base::limit("output bytes: more than {}", kTextBytesMax);
}

/// The blocks that print a value without asking for its str().
Status Interpreter::emit_text(const Value& value) {
  if (value.text()) return emit(*value.text());
  return base::invalid("the block prints a '{}' where it must print a string", value.type_name());
}

[[gnu::noinline]] Result<Interpreter::Flow> Interpreter::exec_output(const Stmt& stmt) {
  HANDMILL_TRY(Value value, eval(*stmt.expr));
  if (const Marked* text = value.text()) {
    HANDMILL_OK(emit(*text));
  } else {
    Marked printed;
    HANDMILL_OK(append_str(*this, value, printed));
    HANDMILL_OK(emit(printed));
  }
  return Flow::kNormal;
}

Scope* Interpreter::open_scope(Scope* parent) {
  Scope* scope;
  if (free_scopes_.empty()) {
    scope = &scopes_.emplace_back();
  } else {
    scope = free_scopes_.back();
    free_scopes_.pop_back();
  }
  scope->parent = parent;
  return scope;
}

void Interpreter::close_scope(Scope* scope) {
  if (scope->captured) return;
  scope->variables.clear();
  free_scopes_.push_back(scope);
}

Status Interpreter::assign(const Expr& target, Value value, Scope& scope) {
  if (target.kind == ExprKind::kTuple) {
    HANDMILL_TRY(Items items, iterate(value));
    if (items.size() != target.items.size()) {
      return base::invalid("{} values to unpack ({} expected, got {})",
                           items.size() < target.items.size() ? "not enough" : "too many",
                           target.items.size(), items.size());
    }
    for (size_t i = 0; i < items.size(); ++i) {
      HANDMILL_OK(assign(*target.items[i], items[i], scope));
    }
    return {};
  }
  if (target.kind == ExprKind::kNamespaceRef) {
    HANDMILL_TRY(Value holder, eval_name(target));
    auto* names = holder.object_as<Namespace>();
    if (!names) return base::invalid("cannot assign attribute on non-namespace object");
    if (value.depth() >= kValueDepthMax) return base::limit("value depth: {}", kValueDepthMax);
    names->set(target.attribute, std::move(value));
    return {};
  }
  for (auto& [name, held] : scope.variables) {
    if (name == target.name) {
      held = std::move(value);
      return {};
    }
  }
  scope.variables.emplace_back(target.name, std::move(value));
  return spend(scope.variables.size() / 64);
}

/// Before the value is evaluated, as Jinja2 does: every a.b that is assigned to needs a namespace.
Status Interpreter::check_namespaces(const Expr& target) {
  if (target.kind == ExprKind::kTuple) {
    for (const ExprPtr& item : target.items) HANDMILL_OK(check_namespaces(*item));
  } else if (target.kind == ExprKind::kNamespaceRef) {
    HANDMILL_TRY(Value holder, eval_name(target));
    if (!holder.object_as<Namespace>()) {
      return base::invalid("cannot assign attribute on non-namespace object");
    }
  }
  return {};
}

[[gnu::noinline]] Result<Interpreter::Flow> Interpreter::exec_set(const Stmt& stmt) {
  HANDMILL_OK(check_namespaces(*stmt.target));
  HANDMILL_TRY(Value value, eval(*stmt.expr));
  HANDMILL_OK(assign(*stmt.target, std::move(value), *scope_));
  return Flow::kNormal;
}

/// Runs a block in a scope of its own; what it writes goes to `out`.
Result<Interpreter::Flow> Interpreter::run_scoped(const Block& block, Marked& out) {
  Marked* before = out_;
  Scope* scope = open_scope(scope_);
  scope_ = scope;
  out_ = &out;
  auto flow = run(block);
  out_ = before;
  scope_ = scope->parent;
  close_scope(scope);
  return flow;
}

[[gnu::noinline]] Result<Interpreter::Flow> Interpreter::exec_set_block(const Stmt& stmt) {
  Marked body;
  HANDMILL_TRY(Flow flow, run_scoped(stmt.body, body));
  if (flow != Flow::kNormal) return flow;
  HANDMILL_TRY(Value value, text(std::move(body)));
  if (stmt.expr) {
    HANDMILL_TRY(value, eval_filter(*stmt.expr, &value));
  }
  HANDMILL_OK(assign(*stmt.target, std::move(value), *scope_));
  return Flow::kNormal;
}

[[gnu::noinline]] Result<Interpreter::Flow> Interpreter::exec_if(const Stmt& stmt) {
  for (const Branch& branch : stmt.branches) {
    HANDMILL_TRY(Value test, eval(*branch.test));
    if (test.truth()) return run(branch.body);
  }
  return run(stmt.otherwise);
}

[[gnu::noinline]] Result<Interpreter::Flow> Interpreter::exec_for(const Stmt& stmt) {
  HANDMILL_TRY(Value iterable, eval(*stmt.expr));
  HANDMILL_TRY(Items items, iterate(iterable));
  if (!stmt.recursive) return run_loop(stmt, scope_, std::move(items), 0);
  HANDMILL_TRY(Marked text, render_recursive(stmt, scope_, std::move(items), 0));
  HANDMILL_OK(emit(text));
  return Flow::kNormal;
}

Result<Marked> Interpreter::render_recursive(const Stmt& loop, Scope* outer, Items items,
                                             int loop_depth) {
  Nesting nesting(depth_, 2);
  HANDMILL_OK(check_depth());
  Marked out;
  Marked* before = out_;
  out_ = &out;
  auto flow = run_loop(loop, outer, std::move(items), loop_depth);
  out_ = before;
  if (!flow.ok()) return flow.error();
  return out;
}

/// Whether the loop's own test lets an item in.
Result<bool> Interpreter::passes(const Stmt& loop, Scope* outer, const Value& item) {
  Scope* before = scope_;
  Scope* scope = open_scope(outer);
  scope_ = scope;
  Status assigned = assign(*loop.target, item, *scope);
  Result<Value> value = assigned.ok() ? eval(*loop.test) : Result<Value>(assigned.error());
  scope_ = before;
  close_scope(scope);
  if (!value.ok()) return value.error();
  return value->truth();
}

[[gnu::noinline]] Result<Interpreter::Flow> Interpreter::run_loop(const Stmt& stmt, Scope* outer,
                                                                  Items items, int loop_depth) {
  auto loop = std::make_shared<Loop>(stmt, outer, std::move(items), loop_depth);
  keep(loop);
  Scope* before = scope_;
  Scope* scope = open_scope(outer);
  bool ran = false;
  scope_ = scope;
  auto flow = run_body(stmt, loop, ran);
  loop->finish();
  scope_ = outer;
  close_scope(scope);
  release_last(loop.get());
  // Jinja2 knows that the loop ran only by a body that came to its end: break and continue do not
  // count, so that the else part may follow them.
  if (flow.ok() && *flow == Flow::kNormal && !ran && !stmt.otherwise.empty()) {
    Marked* out = out_;
    Marked text;
    flow = run_scoped(stmt.otherwise, text);
    out_ = out;
    if (Status emitted = emit(text); !emitted.ok()) flow = emitted.error();
  }
  scope_ = before;
  return flow;
}

[[gnu::noinline]] Result<Interpreter::Flow> Interpreter::run_body(const Stmt& stmt,
                                                                  const std::shared_ptr<Loop>& loop,
                                                                  bool& ran) {
  Scope* scope = scope_;
  for (;;) {
    HANDMILL_TRY(Maybe item, loop->advance(*this));
    if (!item) return Flow::kNormal;
    scope->variables.clear();
    scope->variables.emplace_back("loop", ObjectPtr(loop));
    HANDMILL_OK(assign(*stmt.target, std::move(*item), *scope));
    HANDMILL_TRY(Flow flow, run(stmt.body));
    if (flow == Flow::kBreak) return Flow::kNormal;
    if (flow == Flow::kNormal) ran = true;
  }
}

ObjectPtr Interpreter::make_macro(const MacroDef& definition) {
  for (Scope* scope = scope_; scope && !scope->captured; scope = scope->parent) {
    scope->captured = true;
  }
  return std::make_shared<Macro>(definition, scope_);
}

[[gnu::noinline]] Result<Interpreter::Flow> Interpreter::exec_macro(const Stmt& stmt) {
  HANDMILL_OK(spend(1 + scope_->variables.size() / 64));
  Value macro = make_macro(*stmt.macro);
  for (auto& [name, held] : scope_->variables) {
    if (name == stmt.macro->name) {
      held = macro;
      return Flow::kNormal;
    }
  }
  scope_->variables.emplace_back(stmt.macro->name, std::move(macro));
  return Flow::kNormal;
}

Result<Marked> Interpreter::run_macro(const MacroDef& macro, Scope* defined_in,
                                      std::vector<Maybe> arguments,
                                      std::vector<std::pair<std::string_view, Value>> extras) {
  Nesting nesting(depth_, 2);
  HANDMILL_OK(check_depth());
  Marked out;
  Marked* out_before = out_;
  Scope* scope_before = scope_;
  Scope* scope = open_scope(defined_in);
  scope->variables = std::move(extras);
  scope_ = scope;
  out_ = &out;
  size_t first_default = macro.parameters.size() - macro.defaults.size();
  Status status;
  for (size_t i = 0; i < macro.parameters.size() && status.ok(); ++i) {
    const std::string& name = macro.parameters[i];
    Value value;
    if (arguments[i]) {
      value = std::move(*arguments[i]);
    } else if (i < first_default) {
      value = Value::undefined(fmt::format("parameter '{}' was not provided", name));
    } else {
      auto given = eval(*macro.defaults[i - first_default]);
      if (given.ok()) value = std::move(*given);
      if (!given.ok()) status = given.error();
    }
    scope->variables.emplace_back(name, std::move(value));
  }
  if (status.ok()) {
    if (auto flow = run(macro.body); !flow.ok()) status = flow.error();
  }
  out_ = out_before;
  scope_ = scope_before;
  close_scope(scope);
  if (!status.ok()) return status.error();
  return out;
}

[[gnu::noinline]] Result<Interpreter::Flow> Interpreter::exec_call(const Stmt& stmt) {
  Value caller = make_macro(*stmt.macro);
  HANDMILL_TRY(Value value, eval_call(*stmt.expr, &caller));
  HANDMILL_OK(emit_text(value));
  return Flow::kNormal;
}

[[gnu::noinline]] Result<Interpreter::Flow> Interpreter::exec_filter(const Stmt& stmt) {
  Marked body;
  HANDMILL_TRY(Flow flow, run_scoped(stmt.body, body));
  if (flow != Flow::kNormal) return flow;
  HANDMILL_TRY(Value value, text(std::move(body)));
  HANDMILL_TRY(value, eval_filter(*stmt.expr, &value));
  HANDMILL_OK(emit_text(value));
  return Flow::kNormal;
}

[[gnu::noinline]] Result<Interpreter::Flow> Interpreter::exec_with(const Stmt& stmt) {
  Scope* scope = open_scope(scope_);
  Status status;
  for (size_t i = 0; i < stmt.targets.size() && status.ok(); ++i) {
    auto value = eval(*stmt.exprs[i]);
    status = value.ok() ? assign(*stmt.targets[i], std::move(*value), *scope) : value.error();
  }
  Result<Flow> flow = Flow::kNormal;
  if (status.ok()) {
    scope_ = scope;
    flow = run(stmt.body);
    scope_ = scope->parent;
  }
  close_scope(scope);
  if (!status.ok()) return status.error();
  return flow;
}

[[gnu::noinline]] Result<Interpreter::Flow> Interpreter::exec_generation(const Stmt& stmt) {
  Marked body;
  HANDMILL_TRY(Flow flow, run_scoped(stmt.body, body));
  HANDMILL_OK(emit(body));
  return flow;
}

}  // namespace handmill::chat::jinja
