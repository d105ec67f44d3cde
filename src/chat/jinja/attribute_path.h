// "a.b.0" as map, sort and their like take it: the way from an item to a value.
#pragma once

#include <vector>

#include "chat/jinja/value.h"

namespace handmill::chat::jinja {

class AttributePath {
 public:
  /// None: the item itself; a string with dots; or any other key.
  static Result<AttributePath> parse(const Value& attribute);
  /// An undefined step becomes `fallback` where one is given (not None).
  Result<Value> get(Interpreter& in, const Value& item, const Value& fallback = {}) const;

 private:
  std::vector<Value> parts_;
};

}  // namespace handmill::chat::jinja
