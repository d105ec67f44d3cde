// An answer on its way to standard output: as it is where that is a file or a pipe; on a terminal
// without control characters and with the reasoning in grey. Afterwards, on standard error, what
// there is to say about its speed and its end.
#pragma once

#include <string_view>

#include "chat/thinking.h"
#include "cli/session.h"

namespace handmill::cli {

class AnswerPrinter {
 public:
  /// `thinking`: the prompt has opened the <think> part.
  explicit AnswerPrinter(bool thinking);
  void text(std::string_view text);
  /// Ends the last line.
  void finish();

 private:
  void show(std::string_view text, bool thinking);
  void write(std::string_view text);

  bool terminal_;
  bool style_;
  bool grey_ = false;
  bool line_ended_ = true;
  chat::ThinkingSplitter splitter_;
};

struct Reporting {
  bool verbose = false;
  bool quiet = false;
};

/// generate(), shown as it comes, with the notes after it.
Result<Answer> print_answer(const Session& session, chat::Prompt prompt,
                            const Parameters& parameters, const Reporting& reporting);

/// The speed line or table, as `reporting` asks.
void print_speed(const Answer& answer, const Session& session, const Reporting& reporting);

}  // namespace handmill::cli
