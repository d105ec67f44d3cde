// Expressions. Each kind has its own function, kept out of line, so that a level of nesting costs
// little stack.
#include "chat/jinja/arithmetic.h"
#include "chat/jinja/compare.h"
#include "chat/jinja/filters.h"
#include "chat/jinja/globals.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/nesting.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/tests.h"

namespace handmill::chat::jinja {

Result<Value> Interpreter::eval(const Expr& expr) {
  if (expr.kind == ExprKind::kConst) return expr.value;
  Nesting nesting(depth_);
  if (Status cost = spend(); !cost.ok()) return located(std::move(cost), expr.line).error();
  if (Status deep = check_depth(); !deep.ok()) return located(std::move(deep), expr.line).error();
  return located(dispatch(expr), expr.line);
}

Result<Value> Interpreter::dispatch(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kConst: return expr.value;
    case ExprKind::kName:
    case ExprKind::kNamespaceRef: return eval_name(expr);
    case ExprKind::kTuple:
    case ExprKind::kList: return eval_sequence(expr);
    case ExprKind::kDict: return eval_dict(expr);
    case ExprKind::kConditional: return eval_conditional(expr);
    case ExprKind::kAnd:
    case ExprKind::kOr: return eval_logic(expr);
    case ExprKind::kNot: return eval_not(expr);
    case ExprKind::kCompare: return eval_compare(expr);
    case ExprKind::kArithmetic: return eval_arithmetic(expr);
    case ExprKind::kConcat: return eval_concat(expr);
    case ExprKind::kNegate:
    case ExprKind::kPlus: return eval_sign(expr);
    case ExprKind::kGetAttr: return eval_attr(expr);
    case ExprKind::kGetItem: return eval_item(expr);
    case ExprKind::kSlice: return eval_slice(expr);
    case ExprKind::kCall: return eval_call(expr);
    case ExprKind::kFilter: return eval_filter(expr);
    case ExprKind::kTest: return eval_test(expr);
  }
  return Value();
}

[[gnu::noinline]] Result<Value> Interpreter::eval_name(const Expr& expr) {
  uint64_t looked_at = 0;
  Value value = lookup(expr.name, looked_at);
  if (looked_at > 64) HANDMILL_OK(spend(looked_at / 64));
  return value;
}

Value Interpreter::lookup(std::string_view name, uint64_t& looked_at) const {
  for (const Scope* scope = scope_; scope; scope = scope->parent) {
    looked_at += scope->variables.size() + 1;
    for (const auto& [variable, value] : scope->variables) {
      if (variable == name) return value;
    }
  }
  if (const Value* value = globals_.find(name)) return *value;
  if (auto builtin = builtin_global(name)) return *builtin;
  return Value::undefined(fmt::format("'{}' is undefined", name));
}

Result<Value> Interpreter::eval_optional(const ExprPtr& expr) {
  if (!expr) return Value();
  return eval(*expr);
}

[[gnu::noinline]] Result<Value> Interpreter::eval_sequence(const Expr& expr) {
  std::vector<Value> items;
  items.reserve(expr.items.size());
  for (const ExprPtr& item : expr.items) {
    HANDMILL_TRY(Value value, eval(*item));
    items.push_back(std::move(value));
  }
  return make_sequence(std::move(items), expr.kind == ExprKind::kTuple ? Sequence::Kind::kTuple
                                                                       : Sequence::Kind::kList);
}

[[gnu::noinline]] Result<Value> Interpreter::eval_dict(const Expr& expr) {
  auto dict = std::make_shared<Dict>();
  for (size_t i = 0; i < expr.items.size(); i += 2) {
    HANDMILL_TRY(Value key, eval(*expr.items[i]));
    HANDMILL_TRY(Value value, eval(*expr.items[i + 1]));
    HANDMILL_OK(dict->set(key, std::move(value)));
  }
  return Value(DictPtr(std::move(dict)));
}

[[gnu::noinline]] Result<Value> Interpreter::eval_conditional(const Expr& expr) {
  HANDMILL_TRY(Value test, eval(*expr.items[0]));
  if (test.truth()) return eval(*expr.items[1]);
  if (expr.items[2]) return eval(*expr.items[2]);
  return Value::undefined(
      fmt::format("the inline if on line {} was false and has no else", expr.line));
}

[[gnu::noinline]] Result<Value> Interpreter::eval_logic(const Expr& expr) {
  bool stop_at = expr.kind == ExprKind::kOr;
  Value value;
  for (const ExprPtr& item : expr.items) {
    HANDMILL_TRY(value, eval(*item));
    if (value.truth() == stop_at) break;
  }
  return value;
}

[[gnu::noinline]] Result<Value> Interpreter::eval_not(const Expr& expr) {
  HANDMILL_TRY(Value value, eval(*expr.items[0]));
  return Value(!value.truth());
}

[[gnu::noinline]] Result<Value> Interpreter::eval_compare(const Expr& expr) {
  HANDMILL_TRY(Value left, eval(*expr.items[0]));
  for (size_t i = 0; i < expr.operators.size(); ++i) {
    HANDMILL_TRY(Value right, eval(*expr.items[i + 1]));
    HANDMILL_TRY(bool holds, compare(*this, expr.operators[i], left, right));
    if (!holds) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

[[gnu::noinline]] Result<Value> Interpreter::eval_arithmetic(const Expr& expr) {
  HANDMILL_TRY(Value left, eval(*expr.items[0]));
  for (size_t i = 0; i < expr.operators.size(); ++i) {
    HANDMILL_TRY(Value right, eval(*expr.items[i + 1]));
    HANDMILL_TRY(left, arithmetic(*this, expr.operators[i], left, right));
  }
  return left;
}

[[gnu::noinline]] Result<Value> Interpreter::eval_concat(const Expr& expr) {
  // All operands first: Jinja2 evaluates them all before it makes strings of any.
  std::vector<Value> values;
  for (const ExprPtr& item : expr.items) {
    HANDMILL_TRY(Value value, eval(*item));
    values.push_back(std::move(value));
  }
  Marked joined;
  for (const Value& value : values) HANDMILL_OK(append_str(*this, value, joined));
  return text(std::move(joined));
}

[[gnu::noinline]] Result<Value> Interpreter::eval_sign(const Expr& expr) {
  HANDMILL_TRY(Value value, eval(*expr.items[0]));
  return expr.kind == ExprKind::kNegate ? negate(value) : plus(value);
}

[[gnu::noinline]] Result<Value> Interpreter::eval_attr(const Expr& expr) {
  HANDMILL_TRY(Value object, eval(*expr.items[0]));
  return get_attr(object, expr.name);
}

[[gnu::noinline]] Result<Value> Interpreter::eval_item(const Expr& expr) {
  HANDMILL_TRY(Value object, eval(*expr.items[0]));
  HANDMILL_TRY(Value key, eval(*expr.items[1]));
  return get_item(object, key);
}

[[gnu::noinline]] Result<Value> Interpreter::eval_slice(const Expr& expr) {
  HANDMILL_TRY(Value object, eval(*expr.items[0]));
  HANDMILL_TRY(Value start, eval_optional(expr.items[1]));
  HANDMILL_TRY(Value stop, eval_optional(expr.items[2]));
  HANDMILL_TRY(Value step, eval_optional(expr.items[3]));
  return slice(object, start, stop, step);
}

[[gnu::noinline]] Result<Arguments> Interpreter::eval_arguments(const CallExprs& call) {
  Arguments arguments;
  for (const ExprPtr& expr : call.positional) {
    HANDMILL_TRY(Value value, eval(*expr));
    arguments.positional.push_back(std::move(value));
  }
  if (call.star) {
    HANDMILL_TRY(Value star, eval(*call.star));
    HANDMILL_TRY(Items items, iterate(star));
    for (const Value& item : items) arguments.positional.push_back(item);
  }
  for (const auto& [name, expr] : call.named) {
    HANDMILL_TRY(Value value, eval(*expr));
    arguments.named.emplace_back(name, std::move(value));
  }
  if (!call.star_star) return arguments;
  HANDMILL_TRY(Value more, eval(*call.star_star));
  if (!more.dict()) return base::invalid("argument after ** must be a mapping");
  for (const Dict::Entry& entry : more.dict()->entries()) {
    HANDMILL_OK(spend(1 + arguments.named.size() / 16));
    if (!entry.key.text()) return base::invalid("keywords must be strings");
    for (const auto& [name, value] : arguments.named) {
      if (name == entry.key.text()->view()) {
        return base::invalid("got multiple values for keyword argument '{}'", name);
      }
    }
    arguments.named.emplace_back(std::string(entry.key.text()->view()), entry.value);
  }
  return arguments;
}

[[gnu::noinline]] Result<Value> Interpreter::eval_call(const Expr& expr, const Value* caller) {
  HANDMILL_TRY(Value callee, eval(*expr.items[0]));
  HANDMILL_TRY(Arguments arguments, eval_arguments(expr.call));
  if (caller) arguments.named.emplace_back("caller", *caller);
  return call(callee, arguments);
}

[[gnu::noinline]] Result<Value> Interpreter::eval_filter(const Expr& expr,
                                                         const Value* block_text) {
  Value subject;
  if (expr.items[0] && expr.items[0]->kind == ExprKind::kFilter) {
    HANDMILL_TRY(subject, eval_filter(*expr.items[0], block_text));
  } else if (expr.items[0]) {
    HANDMILL_TRY(subject, eval(*expr.items[0]));
  } else {
    subject = *block_text;
  }
  if (!expr.filter) return base::invalid("unknown filter '{}'", expr.name);
  HANDMILL_TRY(Arguments arguments, eval_arguments(expr.call));
  HANDMILL_OK(spend_bytes(subject.text() ? subject.text()->size() : 0));
  return located(expr.filter->apply(*this, subject, arguments), expr.line);
}

[[gnu::noinline]] Result<Value> Interpreter::eval_test(const Expr& expr) {
  HANDMILL_TRY(Value subject, eval(*expr.items[0]));
  if (!expr.test) return base::invalid("unknown test '{}'", expr.name);
  HANDMILL_TRY(Arguments arguments, eval_arguments(expr.call));
  HANDMILL_TRY(bool holds, expr.test->holds(*this, subject, arguments));
  return Value(holds);
}

}  // namespace handmill::chat::jinja
