// Figures as people read them: three significant digits and a unit.
#pragma once

#include <cstdint>
#include <string>

namespace handmill::cli {

/// 1.23, 12.3, 123; larger ones whole. REQUIRES: a finite number, not negative.
std::string three_digits(double value);

/// "94.0 MB", "1.23 GB": decimal units, as disks and model sizes are given.
std::string bytes_text(uint64_t bytes);

/// 134515008 → "135 M", 7615616512 → "7.62 B"
std::string count_text(uint64_t count);

}  // namespace handmill::cli
