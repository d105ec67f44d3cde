#include "cli/progress_bar.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/figures.h"
#include "cli/terminal.h"

namespace handmill::cli {
namespace {

constexpr auto kPatience = std::chrono::milliseconds(300);
constexpr auto kRedraw = std::chrono::milliseconds(50);

}  // namespace

ProgressBar::ProgressBar(std::string label, Unit unit)
    : label_(std::move(label)), unit_(unit), terminal_(terminal::has_style(STDERR_FILENO)) {}

std::string ProgressBar::line(const std::string& label, uint64_t done, uint64_t total, int columns,
                              Unit unit) {
  const double share =
      total == 0 ? 1.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const bool steps = unit == Unit::kSteps;
  const std::string figures = fmt::format(" {:3.0f}%  {} of {}", share * 100,
                                          steps ? std::to_string(done) : bytes_text(done),
                                          steps ? std::to_string(total) : bytes_text(total));
  const int room = std::min(30, columns - static_cast<int>(label.size() + figures.size()) - 4);
  if (room < 5) {
    const std::string share_alone = figures.substr(0, 5);
    const int left = std::max(0, columns - static_cast<int>(share_alone.size()) - 1);
    return label.substr(0, static_cast<size_t>(left)) + share_alone;
  }
  const int full = static_cast<int>(share * room + 0.5);
  return fmt::format("{} [{}{}]{}", label, std::string(static_cast<size_t>(full), '#'),
                     std::string(static_cast<size_t>(room - full), '-'), figures);
}

void ProgressBar::update(uint64_t done, uint64_t total) {
  if (!terminal_) return;
  const auto now = Clock::now();
  if (now - start_ < kPatience || now - last_ < kRedraw) return;
  last_ = now;
  drawn_ = true;
  fmt::print(stderr, "{}{}", terminal::kClearLine,
             line(label_, done, total, terminal::width(STDERR_FILENO), unit_));
  std::fflush(stderr);
}

void ProgressBar::finish() {
  if (!drawn_) return;
  drawn_ = false;
  fmt::print(stderr, "{}", terminal::kClearLine);
  std::fflush(stderr);
}

}  // namespace handmill::cli
