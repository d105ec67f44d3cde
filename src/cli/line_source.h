// Where the chat's lines come from: a line editor on a terminal, plain reading elsewhere.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace handmill::cli {

struct Line {
  enum class Kind { kText, kInterrupt, kEnd };  // a line, Ctrl-C, the end of input (Ctrl-D)
  Kind kind = Kind::kEnd;
  std::string text;  // without its newline; a pasted or edited one may hold several lines
};

class LineSource {
 public:
  virtual ~LineSource() = default;
  /// Forgets a Ctrl-C of before; one that comes after its return is for who uses the line.
  virtual Line read(const std::string& prompt) = 0;
  /// Puts an entry into the history.
  virtual void remember(const std::string& /*entry*/) {}
  /// Words that the Tab key may complete at the beginning of a line.
  virtual void complete_with(std::vector<std::string> /*words*/) {}
  virtual bool interactive() const = 0;
};

/// Emacs keys (and ~/.editrc), history in handmill's home, bracketed paste, Alt-Enter for a new
/// line. Ctrl-C needs an interrupt::Guard to be there while it reads.
std::unique_ptr<LineSource> make_line_editor();
/// Standard input, line by line, without prompts.
std::unique_ptr<LineSource> make_plain_lines();

}  // namespace handmill::cli
