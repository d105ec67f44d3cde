// Lines from a pipe or a file: as they are, without prompts and without a history.
#include <cerrno>
#include <unistd.h>

#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/line_source.h"

namespace handmill::cli {
namespace {

class PlainLines final : public LineSource {
 public:
  Line read(const std::string& /*prompt*/) override {
    while (true) {
      const size_t newline = held_.find('\n');
      if (newline != std::string::npos) {
        Line line{Line::Kind::kText, held_.substr(0, newline)};
        held_.erase(0, newline + 1);
        return line;
      }
      char buffer[4096];
      const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) {
        if (interrupt::raised()) return {Line::Kind::kInterrupt, ""};
        continue;
      }
      if (got <= 0 || held_.size() > kMostInput) return last();
      held_.append(buffer, static_cast<size_t>(got));
    }
  }
  bool interactive() const override { return false; }

 private:
  Line last() {
    if (held_.empty()) return {Line::Kind::kEnd, ""};
    Line line{Line::Kind::kText, std::move(held_)};
    held_.clear();
    return line;
  }

  std::string held_;
};

}  // namespace

std::unique_ptr<LineSource> make_plain_lines() { return std::make_unique<PlainLines>(); }

}  // namespace handmill::cli
