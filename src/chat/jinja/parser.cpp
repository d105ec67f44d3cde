// Statements: the tags and the text between them.
#include "chat/jinja/parser.h"

#include "chat/jinja/limits.h"
#include "chat/jinja/nesting.h"

namespace handmill::chat::jinja {
namespace {

constexpr int kBlockLevels = 5;  // a nested block takes about as much stack as five expressions

/// Sets a flag for the time of a block.
class Flag {
 public:
  Flag(bool& flag, bool value) : flag_(flag), before_(flag) { flag_ = value; }
  ~Flag() { flag_ = before_; }
  Flag(const Flag&) = delete;
  Flag& operator=(const Flag&) = delete;

 private:
  bool& flag_;
  bool before_;
};

Stmt make_stmt(StmtKind kind, int line) {
  Stmt stmt;
  stmt.kind = kind;
  stmt.line = line;
  return stmt;
}

std::string_view describe(const Token& token) {
  switch (token.type) {
    case TokenType::kText: return "template text";
    case TokenType::kVariableBegin: return "begin of print statement";
    case TokenType::kVariableEnd: return "end of print statement";
    case TokenType::kBlockBegin: return "begin of statement block";
    case TokenType::kBlockEnd: return "end of statement block";
    case TokenType::kString: return "a string";
    case TokenType::kInteger: return "an integer";
    case TokenType::kFloat: return "a float";
    case TokenType::kEnd: return "end of template";
    default: return token.text;
  }
}

}  // namespace

bool Parser::at_name(std::string_view name) const {
  return at(TokenType::kName) && current().text == name;
}
bool Parser::at_operator(std::string_view op) const {
  return at(TokenType::kOperator) && current().text == op;
}
bool Parser::skip_name(std::string_view name) { return at_name(name) && (next(), true); }
bool Parser::skip_operator(std::string_view op) { return at_operator(op) && (next(), true); }

Error Parser::unexpected(std::string_view wanted) const {
  if (wanted.empty()) return fail(current().line, "unexpected {}", describe(current()));
  return fail(current().line, "expected {}, got {}", wanted, describe(current()));
}
Result<std::string> Parser::expect_name() {
  if (!at(TokenType::kName)) return unexpected("a name");
  std::string name = current().text;
  next();
  return name;
}
Status Parser::expect_name(std::string_view name) {
  if (!skip_name(name)) return unexpected(fmt::format("'{}'", name));
  return {};
}
Status Parser::expect_operator(std::string_view op) {
  if (!skip_operator(op)) return unexpected(fmt::format("'{}'", op));
  return {};
}
Status Parser::expect(TokenType type) {
  if (!at(type)) return unexpected(describe({type, 0, {}}));
  next();
  return {};
}
Status Parser::check_depth() const {
  if (depth_ <= kParseDepthMax) return {};
  return base::limit("line {}: parse depth: more than {}", current().line, kParseDepthMax);
}

Result<Block> Parser::run() {
  Block out;
  while (!at(TokenType::kEnd)) HANDMILL_OK(statement(out));
  if (!unknown_.empty()) return unknown_[0];
  return out;
}

/// The statements up to one of the end tags, whose name goes to `end`; the cursor is behind it.
Result<Block> Parser::block(Ends ends, std::string& end) {
  Nesting nesting(depth_, kBlockLevels);
  HANDMILL_OK(check_depth());
  skip_operator(":");
  HANDMILL_OK(expect(TokenType::kBlockEnd));
  Block out;
  for (;;) {
    if (at(TokenType::kEnd)) {
      return fail(current().line, "unexpected end of template: '{}' is missing", *ends.begin());
    }
    if (at(TokenType::kBlockBegin) && look().type == TokenType::kName) {
      for (std::string_view name : ends) {
        if (look().text != name) continue;
        next();
        next();
        end = name;
        return out;
      }
    }
    HANDMILL_OK(statement(out));
  }
}

Result<Block> Parser::block(std::string_view end) {
  std::string found;
  return block({end}, found);
}

Status Parser::statement(Block& out) {
  const Token& token = current();
  if (token.type == TokenType::kText) {
    out.push_back(make_stmt(StmtKind::kText, token.line));
    out.back().text = Marked(token.text, false);
    next();
    return {};
  }
  int line = token.line;
  if (token.type == TokenType::kVariableBegin) {
    next();
    Stmt stmt = make_stmt(StmtKind::kOutput, line);
    HANDMILL_TRY(stmt.expr, tuple({}));
    out.push_back(std::move(stmt));
    return expect(TokenType::kVariableEnd);
  }
  next();
  if (!at(TokenType::kName)) return fail(line, "a tag name is expected");
  std::string name = current().text;
  line = current().line;
  next();
  if (name == "print") {
    HANDMILL_OK(print_tag(out));
  } else {
    HANDMILL_TRY(Stmt stmt, tag(name, line));
    out.push_back(std::move(stmt));
  }
  return expect(TokenType::kBlockEnd);
}

Result<Stmt> Parser::tag(const std::string& name, int line) {
  if (name == "set") return set_tag(line);
  if (name == "for") return for_tag(line);
  if (name == "if") return if_tag(line);
  if (name == "with") return with_tag(line);
  if (name == "macro") return macro_tag(line);
  if (name == "call") return call_tag(line);
  if (name == "filter") return filter_tag(line);
  if (name == "generation") return generation_tag(line);
  if (name == "break" || name == "continue") {
    if (!in_loop_) return fail(line, "'{}' outside of a loop", name);
    return make_stmt(name == "break" ? StmtKind::kBreak : StmtKind::kContinue, line);
  }
  for (std::string_view known : {"block", "extends", "include", "import", "from", "autoescape"}) {
    if (name == known) {
      return base::unsupported("line {}: the tag '{}' is not supported", line, name);
    }
  }
  return fail(line, "unknown tag '{}'", name);
}

Status Parser::print_tag(Block& out) {
  bool first = true;
  while (!at(TokenType::kBlockEnd)) {
    if (!first) HANDMILL_OK(expect_operator(","));
    first = false;
    Stmt stmt = make_stmt(StmtKind::kOutput, current().line);
    HANDMILL_TRY(stmt.expr, expression());
    out.push_back(std::move(stmt));
  }
  return {};
}

Status Parser::check_target(const Expr& expr) {
  if (expr.kind == ExprKind::kName) {
    if (for_depth_ > 0 && expr.name == "loop") {
      return fail(expr.line, "the special variable 'loop' cannot be assigned in a for loop");
    }
    return {};
  }
  if (expr.kind == ExprKind::kNamespaceRef) return {};
  if (expr.kind != ExprKind::kTuple) return fail(expr.line, "this cannot be assigned to");
  for (const ExprPtr& item : expr.items) HANDMILL_OK(check_target(*item));
  return {};
}

Result<ExprPtr> Parser::target(TupleForm form) {
  form.primary_only = true;
  HANDMILL_TRY(ExprPtr expr, tuple(form));
  HANDMILL_OK(check_target(*expr));
  return expr;
}

Result<Stmt> Parser::set_tag(int line) {
  Stmt stmt = make_stmt(StmtKind::kSet, line);
  HANDMILL_TRY(stmt.target, target({.namespaces = true}));
  if (skip_operator("=")) {
    HANDMILL_TRY(stmt.expr, tuple({}));
    return stmt;
  }
  stmt.kind = StmtKind::kSetBlock;
  Flag soft(soft_, false);
  HANDMILL_TRY(stmt.expr, filter_chain(nullptr, false));
  HANDMILL_TRY(stmt.body, block("endset"));
  return stmt;
}

Result<Stmt> Parser::for_tag(int line) {
  Nesting nesting(for_depth_);
  Stmt stmt = make_stmt(StmtKind::kFor, line);
  HANDMILL_TRY(stmt.target, target({.end_name = "in"}));
  HANDMILL_OK(expect_name("in"));
  HANDMILL_TRY(stmt.expr, tuple({.conditional = false, .end_name = "recursive"}));
  Flag soft(soft_, false);
  if (skip_name("if")) {
    HANDMILL_TRY(stmt.test, expression());
  }
  stmt.recursive = skip_name("recursive");
  std::string end;
  {
    Flag in_loop(in_loop_, true);
    HANDMILL_TRY(stmt.body, block({"endfor", "else"}, end));
  }
  if (end == "else") {
    Flag in_loop(in_loop_, in_loop_ && !stmt.recursive);
    HANDMILL_TRY(stmt.otherwise, block("endfor"));
  }
  return stmt;
}

Result<Stmt> Parser::if_tag(int line) {
  Flag soft(soft_, true);
  Stmt stmt = make_stmt(StmtKind::kIf, line);
  std::string end = "elif";
  while (end == "elif") {
    Branch branch;
    HANDMILL_TRY(branch.test, tuple({.conditional = false}));
    HANDMILL_TRY(branch.body, block({"endif", "elif", "else"}, end));
    stmt.branches.push_back(std::move(branch));
  }
  if (end == "else") {
    HANDMILL_TRY(stmt.otherwise, block("endif"));
  }
  return stmt;
}

Result<Stmt> Parser::with_tag(int line) {
  Stmt stmt = make_stmt(StmtKind::kWith, line);
  while (!at(TokenType::kBlockEnd)) {
    if (!stmt.targets.empty()) HANDMILL_OK(expect_operator(","));
    HANDMILL_TRY(ExprPtr to, target({}));
    HANDMILL_OK(expect_operator("="));
    HANDMILL_TRY(ExprPtr value, expression());
    stmt.targets.push_back(std::move(to));
    stmt.exprs.push_back(std::move(value));
  }
  Flag soft(soft_, false);
  HANDMILL_TRY(stmt.body, block("endwith"));
  return stmt;
}

Status Parser::signature(MacroDef& macro) {
  HANDMILL_OK(expect_operator("("));
  while (!at_operator(")")) {
    if (!macro.parameters.empty()) HANDMILL_OK(expect_operator(","));
    int line = current().line;
    HANDMILL_TRY(std::string name, expect_name());
    for (std::string_view constant : {"true", "false", "none", "True", "False", "None"}) {
      if (name == constant) return fail(line, "'{}' cannot be a parameter", name);
    }
    for (const std::string& other : macro.parameters) {
      if (name == other) return fail(line, "duplicate parameter '{}'", name);
    }
    macro.parameters.push_back(std::move(name));
    if (skip_operator("=")) {
      HANDMILL_TRY(ExprPtr value, expression());
      macro.defaults.push_back(std::move(value));
    } else if (!macro.defaults.empty()) {
      return fail(line, "non-default argument follows default argument");
    }
  }
  next();
  return {};
}

Result<Block> Parser::function_body(std::string_view end) {
  Flag in_loop(in_loop_, false);
  Flag soft(soft_, false);
  return block(end);
}

Status Parser::finish_macro(MacroDef& macro, int line) {
  auto has_parameter = [&](std::string_view name) {
    for (const std::string& parameter : macro.parameters) {
      if (parameter == name) return true;
    }
    return false;
  };
  macro.uses_caller = reads_name(macro.body, "caller");
  macro.uses_kwargs = reads_name(macro.body, "kwargs") && !has_parameter("kwargs");
  macro.uses_varargs = reads_name(macro.body, "varargs") && !has_parameter("varargs");
  if (macro.uses_caller && has_parameter("caller")) {
    size_t first_default = macro.parameters.size() - macro.defaults.size();
    for (size_t i = 0; i < first_default; ++i) {
      if (macro.parameters[i] == "caller") {
        return fail(line, "the parameter 'caller' must have a default or be omitted");
      }
    }
  }
  return {};
}

Result<Stmt> Parser::macro_tag(int line) {
  Stmt stmt = make_stmt(StmtKind::kMacro, line);
  stmt.macro = std::make_unique<MacroDef>();
  HANDMILL_TRY(stmt.macro->name, expect_name());
  for (std::string_view constant : {"true", "false", "none", "True", "False", "None"}) {
    if (stmt.macro->name == constant) return fail(line, "'{}' cannot name a macro", constant);
  }
  Flag soft(soft_, false);
  HANDMILL_OK(signature(*stmt.macro));
  HANDMILL_TRY(stmt.macro->body, function_body("endmacro"));
  HANDMILL_OK(finish_macro(*stmt.macro, line));
  return stmt;
}

Result<Stmt> Parser::call_tag(int line) {
  Stmt stmt = make_stmt(StmtKind::kCall, line);
  stmt.macro = std::make_unique<MacroDef>();
  if (at_operator("(")) HANDMILL_OK(signature(*stmt.macro));
  HANDMILL_TRY(stmt.expr, expression());
  if (stmt.expr->kind != ExprKind::kCall) return fail(line, "a call block needs a call");
  for (const auto& [name, value] : stmt.expr->call.named) {
    if (name == "caller") return fail(line, "keyword argument repeated: caller");
  }
  HANDMILL_TRY(stmt.macro->body, function_body("endcall"));
  HANDMILL_OK(finish_macro(*stmt.macro, line));
  return stmt;
}

Result<Stmt> Parser::filter_tag(int line) {
  Flag soft(soft_, false);
  Stmt stmt = make_stmt(StmtKind::kFilter, line);
  HANDMILL_TRY(stmt.expr, filter_chain(nullptr, true));
  HANDMILL_TRY(stmt.body, block("endfilter"));
  return stmt;
}

Result<Stmt> Parser::generation_tag(int line) {
  Stmt stmt = make_stmt(StmtKind::kGeneration, line);
  HANDMILL_TRY(stmt.body, function_body("endgeneration"));
  return stmt;
}

Result<Block> parse(std::string_view source) {
  HANDMILL_TRY(std::vector<Token> tokens, tokenize(source));
  return Parser(std::move(tokens)).run();
}

}  // namespace handmill::chat::jinja
