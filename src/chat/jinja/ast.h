// The parsed template: expressions and statements, immutable after parsing, shared by every render.
// Chains of one precedence (a + b - c, a and b and c) are one node, and heights are bounded by
// kTreeHeightMax, so that walking a tree needs little stack.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "chat/jinja/value.h"

namespace handmill::chat::jinja {

struct Filter;
struct Test;
struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

enum class ExprKind {
  kConst,         // value
  kName,          // name
  kNamespaceRef,  // name.attribute, only as the target of a set
  kTuple,
  kList,
  kDict,         // items: key, value, key, value …
  kConditional,  // items: test, then, else or null
  kAnd,
  kOr,
  kNot,
  kCompare,     // items[0] operators[0] items[1] …
  kArithmetic,  // the same, from left to right
  kConcat,
  kNegate,
  kPlus,
  kGetAttr,  // items[0].name
  kGetItem,  // items[0][items[1]]
  kSlice,    // items[0][items[1]:items[2]:items[3]], the last three may be null
  kCall,     // items[0](call)
  kFilter,   // items[0] | name(call); null: the text of the block
  kTest,     // items[0] is name(call)
};

enum class Op {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kFloorDiv,
  kMod,
  kPow,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn,
};

struct CallExprs {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr star, star_star;  // *args, **kwargs
};

struct Expr {
  ExprKind kind;
  int line;
  int height = 1;
  Value value;
  std::string name;       // also the names of filters and tests
  std::string attribute;  // of kNamespaceRef
  std::vector<ExprPtr> items;
  std::vector<Op> operators;
  CallExprs call;
  const Filter* filter = nullptr;  // null: unknown, which is an error only if it is reached
  const Test* test = nullptr;
};

struct Stmt;
using Block = std::vector<Stmt>;

enum class StmtKind {
  kOutput,    // expr
  kText,      // text
  kSet,       // target = expr
  kSetBlock,  // target = body | expr (null: as it is)
  kFor,       // target in expr if test: body, or otherwise
  kIf,        // branches; otherwise
  kMacro,     // macro
  kCall,      // expr called with macro as its caller
  kFilter,    // body | expr
  kWith,      // targets, exprs
  kGeneration,
  kBreak,
  kContinue,
};

/// A macro, or the body of a call block (which has no name).
struct MacroDef {
  std::string name;
  std::vector<std::string> parameters;
  std::vector<ExprPtr> defaults;  // of the last parameters
  bool uses_caller = false, uses_kwargs = false, uses_varargs = false;
  Block body;
};

struct Branch {
  ExprPtr test;
  Block body;
};

struct Stmt {
  StmtKind kind;
  int line;
  Marked text;
  ExprPtr target, expr, test;
  std::vector<ExprPtr> targets, exprs;
  Block body, otherwise;
  std::vector<Branch> branches;
  std::unique_ptr<MacroDef> macro;
  bool recursive = false;
};

/// Whether the variable is read anywhere in the block, nested blocks and macros included.
bool reads_name(const Block& block, std::string_view name);

}  // namespace handmill::chat::jinja
