// Tokens to a tree: a descent over Jinja's grammar, with one loop for all binary operators. It
// accepts what Jinja2 3.1 accepts (loop controls and the generation tag included) except blocks,
// inheritance and imports, which need other files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chat/jinja/ast.h"
#include "chat/jinja/lexer.h"

namespace handmill::chat::jinja {

/// Errors say the line and the construct: "line 12: unknown filter 'foo'".
Result<Block> parse(std::string_view source);

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}
  Result<Block> run();

 private:
  struct TupleForm {
    bool primary_only = false;    // names and literals
    bool conditional = true;      // inline if is allowed
    bool parentheses = false;     // an empty tuple is allowed
    bool namespaces = false;      // a.b is a target
    std::string_view end_name{};  // a name that ends it
  };
  using Ends = std::initializer_list<std::string_view>;

  const Token& current() const { return tokens_[at_]; }
  const Token& look() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  bool at(TokenType type) const { return current().type == type; }
  bool at_name(std::string_view name) const;
  bool at_operator(std::string_view op) const;
  void next() { at_ += at_ + 1 < tokens_.size() ? 1 : 0; }
  bool skip_name(std::string_view name);
  bool skip_operator(std::string_view op);
  Result<std::string> expect_name();
  Status expect_name(std::string_view name);
  Status expect_operator(std::string_view op);
  Status expect(TokenType type);
  Status check_depth() const;
  Error unexpected(std::string_view wanted = {}) const;
  template <class... Args>
  static Error fail(int line, fmt::format_string<Args...> text, Args&&... args) {
    return base::invalid("line {}: {}", line, fmt::format(text, std::forward<Args>(args)...));
  }

  // parser.cpp: statements
  Result<Block> block(Ends ends, std::string& end);
  Result<Block> block(std::string_view end);
  Status statement(Block& out);
  Result<Stmt> tag(const std::string& name, int line);
  Result<Stmt> set_tag(int line);
  Result<Stmt> for_tag(int line);
  Result<Stmt> if_tag(int line);
  Result<Stmt> with_tag(int line);
  Result<Stmt> macro_tag(int line);
  Result<Stmt> call_tag(int line);
  Result<Stmt> filter_tag(int line);
  Result<Stmt> generation_tag(int line);
  Status print_tag(Block& out);
  Status signature(MacroDef& macro);
  Result<Block> function_body(std::string_view end);
  Status finish_macro(MacroDef& macro, int line);
  Result<ExprPtr> target(TupleForm form);
  Status check_target(const Expr& target);

  // parser_postfix.cpp: what follows a primary expression; parser_expr.cpp: the rest
  Result<ExprPtr> make(ExprKind kind, int line, std::vector<ExprPtr> items = {});
  Result<ExprPtr> tuple(TupleForm form);
  Result<ExprPtr> expression(bool conditional = true);
  Result<ExprPtr> binary(int level);
  Result<ExprPtr> not_expression(int level);
  Result<ExprPtr> unary(bool with_filters);
  Result<ExprPtr> primary(bool namespaces);
  Result<ExprPtr> name_expression(bool namespaces);
  Result<ExprPtr> string_expression();
  Result<ExprPtr> list_expression();
  Result<ExprPtr> dict_expression();
  Result<ExprPtr> postfix(ExprPtr node);
  Result<ExprPtr> filters_and_tests(ExprPtr node);
  Result<ExprPtr> subscript(ExprPtr node);
  Result<ExprPtr> subscribed(bool& is_slice, std::vector<ExprPtr>& bounds);
  Result<ExprPtr> call_expression(ExprPtr node);
  Result<ExprPtr> filter_chain(ExprPtr node, bool start_inline);
  Result<ExprPtr> test_expression(ExprPtr node);
  Status call_arguments(CallExprs& call);
  Status call_argument(CallExprs& call, int line);
  Result<std::string> dotted_name();

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
  bool soft_ = false;  // inside an if: an unknown filter or test matters only when it is reached
  std::vector<Error> unknown_;  // the other unknown ones
  bool in_loop_ = false;        // break and continue have a loop here
  int for_depth_ = 0;
};

}  // namespace handmill::chat::jinja
