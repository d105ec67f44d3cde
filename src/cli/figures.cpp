#include "cli/figures.h"

#include <fmt/format.h>

namespace handmill::cli {

std::string three_digits(double value) {
  return fmt::format("{:.{}f}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

std::string bytes_text(uint64_t bytes) {
  constexpr const char* kUnits[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1000) return fmt::format("{} bytes", bytes);
  double value = static_cast<double>(bytes);
  int unit = 0;
  while (value >= 999.5 && unit < 6) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{} {}", three_digits(value), kUnits[unit]);
}

std::string count_text(uint64_t count) {
  const double value = static_cast<double>(count);
  if (count < 1000000) return fmt::format("{}", count);
  const bool billions = value >= 999.5e6;
  return three_digits(value / (billions ? 1e9 : 1e6)) + (billions ? " B" : " M");
}

}  // namespace handmill::cli
