// exp and log from additions and multiplications alone. The C library's differ in the last bit
// between versions and between processors (it picks FMA variants at run time), and one bit can
// change a drawn token; these give the same bits everywhere. Errors are below 2e-15 (tested).
#pragma once

#include <bit>
#include <cstdint>

namespace handmill::sample {

inline constexpr double kLn2 = 0x1.62e42fefa39efp-1;

/// e^x for x in [kExpFloor, 0]; what lies below the floor counts as the floor. No branches: loops
/// over it vectorize.
inline constexpr double kExpFloor = -64.0;
inline double portable_exp(double x) {
  constexpr double kToInteger = 0x1.8p52;  // adding it leaves the rounded integer in the low bits
  constexpr double kLn2High = 0x1.62e42feep-1, kLn2Low = 0x1.a39ef35793c76p-33;
  x = x > kExpFloor ? x : kExpFloor;
  const double shifted = x * (1.0 / kLn2) + kToInteger;
  const double n = shifted - kToInteger;
  const double r = (x - n * kLn2High) - n * kLn2Low;  // |r| <= ln(2)/2: Taylor to r^12 suffices
  double sum = 1.0 / 479001600;
  sum = sum * r + 1.0 / 39916800;
  sum = sum * r + 1.0 / 3628800;
  sum = sum * r + 1.0 / 362880;
  sum = sum * r + 1.0 / 40320;
  sum = sum * r + 1.0 / 5040;
  sum = sum * r + 1.0 / 720;
  sum = sum * r + 1.0 / 120;
  sum = sum * r + 1.0 / 24;
  sum = sum * r + 1.0 / 6;
  sum = sum * r + 0.5;
  sum = sum * r + 1.0;
  sum = sum * r + 1.0;
  const uint64_t power = (std::bit_cast<uint64_t>(shifted) + 1023) << 52;  // 2^n
  return sum * std::bit_cast<double>(power);
}

/// ln(x) for a normal x > 0: x = 2^n * m with m in [0.75, 1.5), and ln(m) = 2 artanh((m-1)/(m+1)).
inline double portable_log(double x) {
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  int n = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0x000fffffffffffffu) | 0x3ff0000000000000u);
  if (m >= 1.5) {
    m *= 0.5;
    ++n;
  }
  const double s = (m - 1.0) / (m + 1.0), square = s * s;  // |s| <= 1/5
  double sum = 0.0;
  for (int term = 23; term >= 1; term -= 2) sum = sum * square + 1.0 / term;
  return n * kLn2 + 2.0 * s * sum;
}

}  // namespace handmill::sample
