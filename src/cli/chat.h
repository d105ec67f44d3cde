// The chat: a conversation at a prompt. Every turn sends the whole conversation again; the engine's
// prefix cache makes that cheap, and a turn that fails leaves the conversation as it was.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/chat.h"
#include "cli/line_source.h"
#include "cli/printer.h"
#include "cli/session.h"

namespace handmill::cli {

/// What a saved chat keeps, and what the chat's commands change.
struct ChatState {
  Parameters parameters;
  Reporting reporting;
  std::optional<std::string> system;
  std::vector<chat::Message> messages = {};  // user and assistant in turn, without the system's
};

class Chat {
 public:
  /// `lines` must outlive the chat.
  Chat(std::unique_ptr<Session> session, LineSource& lines, ChatState state);

  /// Reads and answers until /bye or the end of input; `first`, if not empty, is the first turn.
  /// Gives the exit code.
  Result<int> run(const std::string& first);

  // For the commands (chat_commands.cpp).
  const Session& session() const { return *session_; }
  ChatState& state() { return state_; }
  void leave() { leaving_ = true; }
  /// Tokens of the conversation as the next turn would send it.
  Result<size_t> tokens_used() const;
  void greet() const;

 private:
  struct Entry {
    std::string text;
    bool quoted = false;  // between """, where nothing is a command
  };
  /// A line, or all of a """ … """ one. Nothing after Ctrl-C or at the end.
  std::optional<Entry> read_entry();
  std::optional<std::string> read_quoted(std::string entry);
  void handle(const Entry& entry);
  void answer(const std::string& text);

  std::unique_ptr<Session> session_;
  LineSource& lines_;
  ChatState state_;
  bool leaving_ = false;
};

/// `messages` behind the system's, if there is one.
std::vector<chat::Message> with_system(const ChatState& state);

}  // namespace handmill::cli
