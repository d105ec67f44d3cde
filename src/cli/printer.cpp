#include "cli/printer.h"

#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/report.h"
#include "cli/terminal.h"

namespace handmill::cli {

AnswerPrinter::AnswerPrinter(bool thinking)
    : terminal_(terminal::is_terminal(STDOUT_FILENO)),
      style_(terminal::has_style(STDOUT_FILENO)),
      splitter_(thinking, [this](std::string_view text, bool inside) { show(text, inside); }) {}

void AnswerPrinter::text(std::string_view text) {
  if (style_)
    splitter_.push(text);
  else
    show(text, false);
  std::fflush(stdout);
}

void AnswerPrinter::finish() {
  splitter_.finish();
  if (grey_) std::fwrite(terminal::kReset.data(), 1, terminal::kReset.size(), stdout);
  grey_ = false;
  if (!line_ended_) write("\n");
  std::fflush(stdout);
}

void AnswerPrinter::show(std::string_view text, bool thinking) {
  if (thinking != grey_) {
    const std::string_view code = thinking ? terminal::kDim : terminal::kReset;
    std::fwrite(code.data(), 1, code.size(), stdout);
    grey_ = thinking;
  }
  if (terminal_)
    write(terminal::printable(text));
  else
    write(text);
}

void AnswerPrinter::write(std::string_view text) {
  if (text.empty()) return;
  std::fwrite(text.data(), 1, text.size(), stdout);
  line_ended_ = text.back() == '\n';
}

/// Where shares of the roof would stand, if the machine had been measured.
static std::string hint_once() {
  static bool told = false;
  if (told || !terminal::is_terminal(STDERR_FILENO)) return "";
  told = true;
  return "`handmill probe` measures this machine; then this tells how near to its limit it was\n";
}

void print_speed(const Answer& answer, const Session& session, const Reporting& reporting) {
  std::string text;
  if (reporting.verbose)
    text = speed_table(answer, session.load_s);
  else if (!reporting.quiet && answer.timings.generated_tokens > 0)
    text = speed_line(answer) + "\n";
  const bool gpu = session.engine->uses_gpu();
  if (!text.empty() && gpu) text += fmt::format("on {}\n", session.engine->description());
  if (!text.empty() && !session.subject && !gpu) text += hint_once();
  fmt::print(stderr, "{}", terminal::dim(STDERR_FILENO, text));
}

Result<Answer> print_answer(const Session& session, chat::Prompt prompt,
                            const Parameters& parameters, const Reporting& reporting) {
  AnswerPrinter printer(prompt.thinking);
  auto answer = generate(session, std::move(prompt.tokens), parameters,
                         [&](std::string_view text) { printer.text(text); });
  printer.finish();
  if (!answer.ok()) return answer;
  const std::string note = finish_note(*answer, session.engine->context());
  // A cut answer is told of even where speed is not.
  if (!note.empty() && (!reporting.quiet || answer->finish == engine::Finish::kContext))
    fmt::print(stderr, "{}\n", terminal::dim(STDERR_FILENO, "[" + note + "]"));
  print_speed(*answer, session, reporting);
  return answer;
}

}  // namespace handmill::cli
