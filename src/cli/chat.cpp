#include "cli/chat.h"

#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/chat_commands.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/terminal.h"

namespace handmill::cli {
namespace {

constexpr std::string_view kFence = "\"\"\"";
constexpr const char* kPrompt = ">>> ";
constexpr const char* kMorePrompt = "... ";

void print_error(const Error& error) {
  std::fflush(stdout);
  fmt::print(stderr, "{}\n", terminal::printable(error.message));
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

std::vector<chat::Message> with_system(const ChatState& state) {
  std::vector<chat::Message> messages;
  if (state.system) messages.push_back({"system", *state.system, {}});
  messages.insert(messages.end(), state.messages.begin(), state.messages.end());
  return messages;
}

Chat::Chat(std::unique_ptr<Session> session, LineSource& lines, ChatState state)
    : session_(std::move(session)), lines_(lines), state_(std::move(state)) {
  lines_.complete_with(chat_completions());
}

void Chat::greet() const {
  if (!lines_.interactive()) return;
  const std::string text =
      fmt::format("{}, {}, {} tokens of context. /? for help, /bye or Ctrl-D to leave.\n",
                  session_->name, session_->engine->description(), session_->engine->context());
  fmt::print("{}", terminal::dim(STDOUT_FILENO, text));
  std::fflush(stdout);
}

Result<size_t> Chat::tokens_used() const {
  if (state_.messages.empty() && !state_.system) return size_t{0};
  HANDMILL_TRY(const chat::Prompt prompt, chat_prompt(*session_, with_system(state_)));
  return prompt.tokens.size();
}

Result<int> Chat::run(const std::string& first) {
  const interrupt::Guard guard;
  greet();
  if (!first.empty()) {
    lines_.remember(first);
    if (lines_.interactive()) fmt::print("{}{}\n", kPrompt, terminal::printable(first));
    answer(first);
  }
  while (!leaving_) {
    const auto entry = read_entry();
    if (!entry || trimmed(entry->text).empty()) continue;
    lines_.remember(entry->text);
    handle(*entry);
  }
  return kExitOk;
}

std::optional<Chat::Entry> Chat::read_entry() {
  Line line = lines_.read(kPrompt);
  if (line.kind == Line::Kind::kEnd) {
    leaving_ = true;
    return std::nullopt;
  }
  if (line.kind == Line::Kind::kInterrupt) {
    fmt::print("Use /bye or Ctrl-D to leave.\n");
    return std::nullopt;
  }
  const size_t start = line.text.find_first_not_of(" \t");
  if (start == std::string::npos || line.text.compare(start, kFence.size(), kFence) != 0)
    return Entry{line.text};
  auto text = read_quoted(line.text.substr(start));
  if (!text) return std::nullopt;
  return Entry{std::move(*text), true};
}

std::optional<std::string> Chat::read_quoted(std::string entry) {
  while (true) {
    const size_t end = entry.find(kFence, kFence.size());
    if (end != std::string::npos) {
      // The text between the fences, and what may stand behind the closing one.
      std::string inside = entry.substr(kFence.size(), end - kFence.size());
      if (inside.starts_with('\n')) inside.erase(0, 1);
      if (inside.ends_with('\n')) inside.pop_back();
      return inside + entry.substr(end + kFence.size());
    }
    Line line = lines_.read(kMorePrompt);
    if (line.kind == Line::Kind::kInterrupt) return std::nullopt;
    if (line.kind == Line::Kind::kEnd) {
      leaving_ = true;
      return entry.substr(kFence.size());
    }
    entry += '\n' + line.text;
  }
}

void Chat::handle(const Entry& entry) {
  const std::string_view text = trimmed(entry.text);
  if (!entry.quoted && is_command(text)) {
    Status status = run_command(*this, text);
    if (!status.ok()) print_error(status.error());
    std::fflush(stdout);
    return;
  }
  answer(entry.text);
}

void Chat::answer(const std::string& text) {
  state_.messages.push_back({"user", text, {}});
  auto prompt = chat_prompt(*session_, with_system(state_));
  auto answer =
      prompt.ok() ? print_answer(*session_, std::move(*prompt), state_.parameters, state_.reporting)
                  : Result<Answer>(prompt.error());
  if (!answer.ok()) {
    state_.messages.pop_back();
    print_error(answer.error());
    if (answer.error().code == Code::kLimit)
      fmt::print(stderr,
                 "The conversation no longer fits: /clear begins a new one; --context N at "
                 "the start gives more room.\n");
    return;
  }
  if (answer->text.empty() && answer->finish == engine::Finish::kCancelled) {
    state_.messages.pop_back();  // stopped before the first word: as if it had not been asked
    return;
  }
  state_.messages.push_back({"assistant", answer->text, {}});
  if (lines_.interactive()) fmt::print("\n");
  std::fflush(stdout);
}

}  // namespace handmill::cli
