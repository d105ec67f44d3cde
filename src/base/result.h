// Result<T>: a value or an Error. Everything that untrusted bytes can make fail returns one;
// exceptions never cross a room's border, and asserts are for our own mistakes alone. An Error's
// message is one line for a person: what, where (file, field, offset), and what would be right.
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace handmill::base {

enum class Code {
  kInvalid,      // the input breaks its format or its contract
  kNotFound,     // a named thing is not there
  kUnsupported,  // well-formed, but handmill lacks it
  kLimit,        // larger than a stated limit, or than what fits
  kIo,           // the operating system said no
};

struct Error {
  Code code = Code::kInvalid;
  std::string message;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & { return assert(ok()), std::get<0>(state_); }
  const T& value() const& { return assert(ok()), std::get<0>(state_); }
  T&& value() && { return assert(ok()), std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& { return assert(!ok()), std::get<1>(state_); }
  Error&& error() && { return assert(!ok()), std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}  // NOLINT: implicit

  bool ok() const { return !failed_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return assert(failed_), error_; }
  Error&& error() && { return assert(failed_), std::move(error_); }

 private:
  Error error_;
  bool failed_ = false;
};

using Status = Result<void>;

}  // namespace handmill::base

namespace handmill {
using base::Code;
using base::Error;
using base::Result;
using base::Status;
}  // namespace handmill

#define HANDMILL_JOIN_(a, b) a##b
#define HANDMILL_JOIN(a, b) HANDMILL_JOIN_(a, b)

/// HANDMILL_TRY(auto x, f()): x is f()'s value, or the enclosing function returns f()'s error.
#define HANDMILL_TRY(declaration, expression) \
  HANDMILL_TRY_(HANDMILL_JOIN(handmill_try_, __LINE__), declaration, expression)
#define HANDMILL_TRY_(result, declaration, expression) \
  auto result = (expression);                          \
  if (!result.ok()) return std::move(result).error();  \
  declaration = std::move(result).value()

/// HANDMILL_OK(f()): returns f()'s error from the enclosing function, if it has one.
#define HANDMILL_OK(expression)                                     \
  do {                                                              \
    if (auto handmill_status = (expression); !handmill_status.ok()) \
      return std::move(handmill_status).error();                    \
  } while (false)
