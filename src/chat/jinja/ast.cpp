// Walks over trees whose height the parser has bounded.
#include "chat/jinja/ast.h"

#include <algorithm>

namespace handmill::chat::jinja {
namespace {

bool reads(const ExprPtr& expr, std::string_view name);

bool reads(const std::vector<ExprPtr>& exprs, std::string_view name) {
  return std::any_of(exprs.begin(), exprs.end(), [&](const ExprPtr& e) { return reads(e, name); });
}

bool reads(const ExprPtr& expr, std::string_view name) {
  if (!expr) return false;
  if (expr->kind == ExprKind::kName && expr->name == name) return true;
  if (reads(expr->items, name)) return true;
  const CallExprs& call = expr->call;
  return reads(call.positional, name) || reads(call.star, name) || reads(call.star_star, name) ||
         std::any_of(call.named.begin(), call.named.end(),
                     [&](const auto& named) { return reads(named.second, name); });
}

bool reads(const Stmt& stmt, std::string_view name) {
  bool target = stmt.kind != StmtKind::kFor && stmt.kind != StmtKind::kSet &&
                stmt.kind != StmtKind::kSetBlock && reads(stmt.target, name);
  if (target || reads(stmt.expr, name) || reads(stmt.test, name) || reads(stmt.exprs, name) ||
      reads_name(stmt.body, name) || reads_name(stmt.otherwise, name)) {
    return true;
  }
  for (const Branch& branch : stmt.branches) {
    if (reads(branch.test, name) || reads_name(branch.body, name)) return true;
  }
  return stmt.macro && (reads(stmt.macro->defaults, name) || reads_name(stmt.macro->body, name));
}

}  // namespace

bool reads_name(const Block& block, std::string_view name) {
  return std::any_of(block.begin(), block.end(),
                     [&](const Stmt& stmt) { return reads(stmt, name); });
}

}  // namespace handmill::chat::jinja
