// What may follow a primary expression: attributes, subscripts, calls, filters, tests.
#include <algorithm>

#include "chat/jinja/filters.h"
#include "chat/jinja/limits.h"
#include "chat/jinja/nesting.h"
#include "chat/jinja/parser.h"
#include "chat/jinja/tests.h"

namespace handmill::chat::jinja {
namespace {

int call_height(const CallExprs& call) {
  int height = 0;
  auto add = [&](const ExprPtr& expr) {
    if (expr) height = std::max(height, expr->height + 1);
  };
  for (const ExprPtr& expr : call.positional) add(expr);
  for (const auto& [name, expr] : call.named) add(expr);
  add(call.star);
  add(call.star_star);
  return height;
}

}  // namespace

Result<ExprPtr> Parser::postfix(ExprPtr node) {
  for (;;) {
    if (at_operator(".") || at_operator("[")) {
      HANDMILL_TRY(node, subscript(std::move(node)));
    } else if (at_operator("(")) {
      HANDMILL_TRY(node, call_expression(std::move(node)));
    } else {
      return node;
    }
  }
}

Result<ExprPtr> Parser::filters_and_tests(ExprPtr node) {
  for (;;) {
    if (at_operator("|")) {
      HANDMILL_TRY(node, filter_chain(std::move(node), false));
    } else if (at_name("is")) {
      HANDMILL_TRY(node, test_expression(std::move(node)));
    } else if (at_operator("(")) {
      HANDMILL_TRY(node, call_expression(std::move(node)));
    } else {
      return node;
    }
  }
}

Result<ExprPtr> Parser::subscript(ExprPtr node) {
  int line = current().line;
  std::vector<ExprPtr> items;
  items.push_back(std::move(node));
  if (skip_operator(".")) {
    if (at(TokenType::kName)) {
      HANDMILL_TRY(ExprPtr made, make(ExprKind::kGetAttr, line, std::move(items)));
      made->name = current().text;
      next();
      return made;
    }
    if (!at(TokenType::kInteger)) return unexpected("a name or number");
    HANDMILL_TRY(ExprPtr index, primary(false));
    items.push_back(std::move(index));
    return make(ExprKind::kGetItem, line, std::move(items));
  }
  next();
  std::vector<ExprPtr> keys;
  bool is_slice = false;
  while (!at_operator("]")) {
    if (!keys.empty()) HANDMILL_OK(expect_operator(","));
    if (is_slice) return fail(line, "a slice inside a tuple");
    HANDMILL_TRY(ExprPtr key, subscribed(is_slice, items));
    if (is_slice && !keys.empty()) return fail(line, "a slice inside a tuple");
    keys.push_back(std::move(key));
  }
  next();
  if (is_slice) return make(ExprKind::kSlice, line, std::move(items));
  if (keys.size() != 1) {
    HANDMILL_TRY(ExprPtr tuple_key, make(ExprKind::kTuple, line, std::move(keys)));
    keys.clear();
    keys.push_back(std::move(tuple_key));
  }
  items.push_back(std::move(keys[0]));
  return make(ExprKind::kGetItem, line, std::move(items));
}

/// A key; or the three bounds of a slice, appended to `bounds`.
Result<ExprPtr> Parser::subscribed(bool& is_slice, std::vector<ExprPtr>& bounds) {
  ExprPtr start;
  if (!at_operator(":")) {
    HANDMILL_TRY(start, expression());
    if (!at_operator(":")) return start;
  }
  next();
  is_slice = true;
  bounds.push_back(std::move(start));
  for (int i = 0; i < 2; ++i) {
    ExprPtr bound;
    bool given = !at_operator(":") && !at_operator("]") && !at_operator(",");
    if (given) {
      HANDMILL_TRY(bound, expression());
    }
    bounds.push_back(std::move(bound));
    if (i == 0 && !skip_operator(":")) {
      bounds.emplace_back();
      break;
    }
  }
  return ExprPtr();
}

Result<ExprPtr> Parser::call_expression(ExprPtr node) {
  int line = current().line;
  std::vector<ExprPtr> items;
  items.push_back(std::move(node));
  HANDMILL_TRY(ExprPtr made, make(ExprKind::kCall, line, std::move(items)));
  HANDMILL_OK(call_arguments(made->call));
  made->height = std::max(made->height, call_height(made->call));
  return made;
}

Status Parser::call_argument(CallExprs& call, int line) {
  bool bad = false;
  if (skip_operator("*")) {
    bad = call.star || call.star_star;
    HANDMILL_TRY(call.star, expression());
  } else if (skip_operator("**")) {
    bad = call.star_star != nullptr;
    HANDMILL_TRY(call.star_star, expression());
  } else if (at(TokenType::kName) && look().type == TokenType::kOperator && look().text == "=") {
    std::string key = current().text;
    next();
    next();
    bad = call.star_star != nullptr;
    HANDMILL_TRY(ExprPtr value, expression());
    for (const auto& [name, expr] : call.named) {
      if (name == key) return fail(line, "keyword argument repeated: {}", key);
    }
    call.named.emplace_back(std::move(key), std::move(value));
  } else {
    bad = call.star || call.star_star || !call.named.empty();
    HANDMILL_TRY(ExprPtr value, expression());
    call.positional.push_back(std::move(value));
  }
  if (bad) return fail(line, "invalid syntax for function call expression");
  return {};
}

Status Parser::call_arguments(CallExprs& call) {
  int line = current().line;
  HANDMILL_OK(expect_operator("("));
  bool first = true;
  while (!at_operator(")")) {
    if (!first) {
      HANDMILL_OK(expect_operator(","));
      if (at_operator(")")) break;
    }
    HANDMILL_OK(call_argument(call, line));
    first = false;
  }
  next();
  return {};
}

Result<std::string> Parser::dotted_name() {
  HANDMILL_TRY(std::string name, expect_name());
  while (skip_operator(".")) {
    HANDMILL_TRY(std::string part, expect_name());
    name += '.';
    name += part;
  }
  return name;
}

Result<ExprPtr> Parser::filter_chain(ExprPtr node, bool start_inline) {
  while (start_inline || at_operator("|")) {
    if (!start_inline) next();
    start_inline = false;
    int line = current().line;
    std::vector<ExprPtr> items;
    items.push_back(std::move(node));
    HANDMILL_TRY(node, make(ExprKind::kFilter, line, std::move(items)));
    HANDMILL_TRY(node->name, dotted_name());
    node->filter = find_filter(node->name);
    if (!node->filter && !soft_) unknown_.push_back(fail(line, "unknown filter '{}'", node->name));
    if (at_operator("(")) HANDMILL_OK(call_arguments(node->call));
    node->height = std::max(node->height, call_height(node->call));
  }
  return node;
}

Result<ExprPtr> Parser::test_expression(ExprPtr node) {
  int line = current().line;
  next();
  bool negated = skip_name("not");
  std::vector<ExprPtr> items;
  items.push_back(std::move(node));
  HANDMILL_TRY(ExprPtr made, make(ExprKind::kTest, line, std::move(items)));
  HANDMILL_TRY(made->name, dotted_name());
  made->test = find_test(made->name);
  if (!made->test && !soft_) unknown_.push_back(fail(line, "unknown test '{}'", made->name));
  bool argument = at(TokenType::kName) || at(TokenType::kString) || at(TokenType::kInteger) ||
                  at(TokenType::kFloat) || at_operator("[") || at_operator("{");
  if (at_operator("(")) {
    HANDMILL_OK(call_arguments(made->call));
  } else if (argument && !at_name("else") && !at_name("or") && !at_name("and")) {
    if (at_name("is")) return fail(line, "tests cannot be chained with is");
    HANDMILL_TRY(ExprPtr value, primary(false));
    HANDMILL_TRY(value, postfix(std::move(value)));
    made->call.positional.push_back(std::move(value));
  }
  made->height = std::max(made->height, call_height(made->call));
  if (made->height > kTreeHeightMax) {
    return base::limit("line {}: expression height: more than {} levels", line, kTreeHeightMax);
  }
  if (!negated) return made;
  std::vector<ExprPtr> inner;
  inner.push_back(std::move(made));
  return make(ExprKind::kNot, line, std::move(inner));
}

}  // namespace handmill::chat::jinja
