// Source to tokens, with Jinja's whitespace rules (trim_blocks and lstrip_blocks are on) applied.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/jinja/value.h"

namespace handmill::chat::jinja {

enum class TokenType {
  kText,  // template text, after trimming
  kVariableBegin,
  kVariableEnd,
  kBlockBegin,
  kBlockEnd,
  kName,
  kString,
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenType type;
  int line;
  std::string text;  // name, string value, operator
  Int integer = 0;
  double number = 0;
};

/// Errors say the line: "line 3: …".
Result<std::vector<Token>> tokenize(std::string_view source);

}  // namespace handmill::chat::jinja
