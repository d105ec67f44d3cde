// Lines from a pipe or a file: as they are, without prompts and without a history.
#include <unistd.h>

#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/line_source.h"

namespace handmill::cli {
namespace {

class PlainLines final : public LineSource {
 public:
  Line read(const std::string& /*prompt*/) override {
    interrupt::clear();
    size_t searched = 0;
    while (true) {
      const size_t newline = held_.find('\n', searched);
      if (newline != std::string::npos) return take(newline, 1);
      if (held_.size() > kMostInput) return take(held_.size(), 0);
      searched = held_.size();
      char buffer[4096];
      const ssize_t got = interrupt::read(STDIN_FILENO, buffer, sizeof buffer);
      if (got < 0 && interrupt::raised()) return {Line::Kind::kInterrupt, ""};
      if (got <= 0) return held_.empty() ? Line{Line::Kind::kEnd, ""} : take(held_.size(), 0);
      held_.append(buffer, static_cast<size_t>(got));
    }
  }
  bool interactive() const override { return false; }

 private:
  /// A line of so many bytes, without the carriage return that Windows puts at its end.
  Line take(size_t bytes, size_t newline) {
    Line line{Line::Kind::kText, held_.substr(0, bytes)};
    held_.erase(0, bytes + newline);
    if (line.text.ends_with('\r')) line.text.pop_back();
    return line;
  }

  std::string held_;
};

}  // namespace

std::unique_ptr<LineSource> make_plain_lines() { return std::make_unique<PlainLines>(); }

}  // namespace handmill::cli
