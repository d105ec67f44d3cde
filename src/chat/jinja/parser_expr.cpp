// Expressions. Precedence, from loose to tight: inline if, or, and, not, comparisons, + -, ~,
// * / // %, **, signs, then attributes, calls, filters and tests.
#include <algorithm>
#include <array>

#include "chat/jinja/limits.h"
#include "chat/jinja/nesting.h"
#include "chat/jinja/parser.h"

namespace handmill::chat::jinja {
namespace {

enum Level {
  kLevelOr = 1,
  kLevelAnd,
  kLevelNot,
  kLevelCompare,
  kLevelSum,
  kLevelConcat,
  kLevelProduct,
  kLevelPower,
  kLevelUnary
};

struct BinaryOperator {
  std::string_view text;
  bool word;
  int level;
  ExprKind kind;
  Op op = Op::kAdd;
};

constexpr std::array kBinary = {
    BinaryOperator{"or", true, kLevelOr, ExprKind::kOr},
    BinaryOperator{"and", true, kLevelAnd, ExprKind::kAnd},
    BinaryOperator{"==", false, kLevelCompare, ExprKind::kCompare, Op::kEqual},
    BinaryOperator{"!=", false, kLevelCompare, ExprKind::kCompare, Op::kNotEqual},
    BinaryOperator{"<", false, kLevelCompare, ExprKind::kCompare, Op::kLess},
    BinaryOperator{"<=", false, kLevelCompare, ExprKind::kCompare, Op::kLessEqual},
    BinaryOperator{">", false, kLevelCompare, ExprKind::kCompare, Op::kGreater},
    BinaryOperator{">=", false, kLevelCompare, ExprKind::kCompare, Op::kGreaterEqual},
    BinaryOperator{"in", true, kLevelCompare, ExprKind::kCompare, Op::kIn},
    BinaryOperator{"not", true, kLevelCompare, ExprKind::kCompare, Op::kNotIn},
    BinaryOperator{"+", false, kLevelSum, ExprKind::kArithmetic, Op::kAdd},
    BinaryOperator{"-", false, kLevelSum, ExprKind::kArithmetic, Op::kSub},
    BinaryOperator{"~", false, kLevelConcat, ExprKind::kConcat},
    BinaryOperator{"*", false, kLevelProduct, ExprKind::kArithmetic, Op::kMul},
    BinaryOperator{"/", false, kLevelProduct, ExprKind::kArithmetic, Op::kDiv},
    BinaryOperator{"//", false, kLevelProduct, ExprKind::kArithmetic, Op::kFloorDiv},
    BinaryOperator{"%", false, kLevelProduct, ExprKind::kArithmetic, Op::kMod},
    BinaryOperator{"**", false, kLevelPower, ExprKind::kArithmetic, Op::kPow},
};

const BinaryOperator* binary_operator(const Token& token, const Token& look) {
  bool word = token.type == TokenType::kName;
  if (!word && token.type != TokenType::kOperator) return nullptr;
  for (const BinaryOperator& op : kBinary) {
    if (op.word != word || op.text != token.text) continue;
    if (op.op == Op::kNotIn && !(look.type == TokenType::kName && look.text == "in")) continue;
    return &op;
  }
  return nullptr;
}

}  // namespace

Result<ExprPtr> Parser::make(ExprKind kind, int line, std::vector<ExprPtr> items) {
  auto node = std::make_unique<Expr>();
  node->kind = kind;
  node->line = line;
  for (const ExprPtr& item : items) {
    if (item) node->height = std::max(node->height, item->height + 1);
  }
  if (node->height > kTreeHeightMax) {
    return base::limit("line {}: expression height: more than {} levels", line, kTreeHeightMax);
  }
  node->items = std::move(items);
  return node;
}

Result<ExprPtr> Parser::tuple(TupleForm form) {
  int line = current().line;
  std::vector<ExprPtr> items;
  bool is_tuple = false;
  for (;;) {
    if (!items.empty()) HANDMILL_OK(expect_operator(","));
    if (at(TokenType::kVariableEnd) || at(TokenType::kBlockEnd) || at_operator(")") ||
        (!form.end_name.empty() && at_name(form.end_name))) {
      break;
    }
    HANDMILL_TRY(ExprPtr item,
                 form.primary_only ? primary(form.namespaces) : expression(form.conditional));
    items.push_back(std::move(item));
    if (!at_operator(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !items.empty()) return std::move(items[0]);
  if (!is_tuple && !form.parentheses) return unexpected("an expression");
  return make(ExprKind::kTuple, line, std::move(items));
}

Result<ExprPtr> Parser::expression(bool conditional) {
  Nesting nesting(depth_);
  HANDMILL_OK(check_depth());
  if (!conditional) return binary(kLevelOr);
  int line = current().line;
  size_t unknown = unknown_.size();
  HANDMILL_TRY(ExprPtr node, binary(kLevelOr));
  while (skip_name("if")) {
    std::vector<ExprPtr> items(3);
    items[1] = std::move(node);
    HANDMILL_TRY(items[0], binary(kLevelOr));
    if (skip_name("else")) {
      HANDMILL_TRY(items[2], expression());
    }
    HANDMILL_TRY(node, make(ExprKind::kConditional, line, std::move(items)));
    line = current().line;
    unknown_.resize(unknown);  // inside an inline if they matter only when they are reached
  }
  return node;
}

Result<ExprPtr> Parser::not_expression(int level) {
  if (level > kLevelNot || !at_name("not")) return unary(true);
  int line = current().line;
  next();
  std::vector<ExprPtr> items(1);
  HANDMILL_TRY(items[0], binary(kLevelNot));
  return make(ExprKind::kNot, line, std::move(items));
}

Result<ExprPtr> Parser::binary(int level) {
  Nesting nesting(depth_);
  HANDMILL_OK(check_depth());
  HANDMILL_TRY(ExprPtr left, not_expression(level));
  for (;;) {
    const BinaryOperator* op = binary_operator(current(), look());
    if (!op || op->level < level) return left;
    // A chain of one level: a + b - c. What is tighter was taken by the operands.
    int line = current().line;
    std::vector<ExprPtr> items;
    std::vector<Op> operators;
    items.push_back(std::move(left));
    for (const BinaryOperator* more = op; more && more->level == op->level;
         more = binary_operator(current(), look())) {
      next();
      if (more->op == Op::kNotIn) next();
      operators.push_back(more->op);
      HANDMILL_TRY(ExprPtr operand, binary(op->level + 1));
      items.push_back(std::move(operand));
    }
    HANDMILL_TRY(left, make(op->kind, line, std::move(items)));
    left->operators = std::move(operators);
  }
}

Result<ExprPtr> Parser::unary(bool with_filters) {
  Nesting nesting(depth_);
  HANDMILL_OK(check_depth());
  ExprPtr node;
  if (at_operator("-") || at_operator("+")) {
    ExprKind kind = at_operator("-") ? ExprKind::kNegate : ExprKind::kPlus;
    int line = current().line;
    next();
    std::vector<ExprPtr> items(1);
    HANDMILL_TRY(items[0], unary(false));
    HANDMILL_TRY(node, make(kind, line, std::move(items)));
  } else {
    HANDMILL_TRY(node, primary(false));
  }
  HANDMILL_TRY(node, postfix(std::move(node)));
  if (!with_filters) return node;
  return filters_and_tests(std::move(node));
}

Result<ExprPtr> Parser::primary(bool namespaces) {
  const Token& token = current();
  switch (token.type) {
    case TokenType::kName: return name_expression(namespaces);
    case TokenType::kString: return string_expression();
    case TokenType::kInteger:
    case TokenType::kFloat: {
      HANDMILL_TRY(ExprPtr node, make(ExprKind::kConst, token.line));
      node->value = token.type == TokenType::kInteger ? Value(token.integer) : Value(token.number);
      next();
      return node;
    }
    default: break;
  }
  if (at_operator("[")) return list_expression();
  if (at_operator("{")) return dict_expression();
  if (!skip_operator("(")) return unexpected();
  HANDMILL_TRY(ExprPtr node, tuple({.parentheses = true}));
  HANDMILL_OK(expect_operator(")"));
  return node;
}

Result<ExprPtr> Parser::name_expression(bool namespaces) {
  int line = current().line;
  std::string name = current().text;
  next();
  bool is_true = name == "true" || name == "True";
  if (is_true || name == "false" || name == "False" || name == "none" || name == "None") {
    HANDMILL_TRY(ExprPtr node, make(ExprKind::kConst, line));
    if (name != "none" && name != "None") node->value = is_true;
    return node;
  }
  bool is_reference = namespaces && skip_operator(".");
  HANDMILL_TRY(ExprPtr node, make(is_reference ? ExprKind::kNamespaceRef : ExprKind::kName, line));
  node->name = std::move(name);
  if (is_reference) {
    HANDMILL_TRY(node->attribute, expect_name());
  }
  return node;
}

Result<ExprPtr> Parser::string_expression() {
  HANDMILL_TRY(ExprPtr node, make(ExprKind::kConst, current().line));
  std::string text;
  for (; at(TokenType::kString); next()) text += current().text;
  node->value = Value::text(text);
  return node;
}

Result<ExprPtr> Parser::list_expression() {
  int line = current().line;
  next();
  std::vector<ExprPtr> items;
  while (!at_operator("]")) {
    if (!items.empty()) HANDMILL_OK(expect_operator(","));
    if (at_operator("]")) break;
    HANDMILL_TRY(ExprPtr item, expression());
    items.push_back(std::move(item));
  }
  next();
  return make(ExprKind::kList, line, std::move(items));
}

Result<ExprPtr> Parser::dict_expression() {
  int line = current().line;
  next();
  std::vector<ExprPtr> items;
  while (!at_operator("}")) {
    if (!items.empty()) HANDMILL_OK(expect_operator(","));
    if (at_operator("}")) break;
    HANDMILL_TRY(ExprPtr key, expression());
    HANDMILL_OK(expect_operator(":"));
    HANDMILL_TRY(ExprPtr value, expression());
    items.push_back(std::move(key));
    items.push_back(std::move(value));
  }
  next();
  return make(ExprKind::kDict, line, std::move(items));
}

}  // namespace handmill::chat::jinja
