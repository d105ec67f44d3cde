// Arithmetic on numbers that a file or a request chose: nullopt instead of a wrapped result.
#pragma once

#include <concepts>
#include <optional>

namespace handmill::base {

template <std::unsigned_integral T>
std::optional<T> checked_add(T a, T b) {
  T sum;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

template <std::unsigned_integral T>
std::optional<T> checked_mul(T a, T b) {
  T product;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

/// The smallest multiple of `unit` (a power of two) that is not below `value`.
template <std::unsigned_integral T>
std::optional<T> checked_align(T value, T unit) {
  auto sum = checked_add<T>(value, unit - 1);
  if (!sum) return std::nullopt;
  return *sum & ~(unit - 1);
}

}  // namespace handmill::base
