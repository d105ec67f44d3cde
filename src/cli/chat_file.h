// A chat in a file: JSON that a person can read and change.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/chat.h"

namespace handmill::cli {

/// Replaces `path` at once: it holds the old text or the new, never half.
Status save_chat(const std::string& path, const std::string& model, const ChatState& state);

Result<ChatState> load_chat(const std::string& path);

/// The text of such a file. `name` stands for the file in errors.
std::string chat_text(const std::string& model, const ChatState& state);
Result<ChatState> parse_chat(std::string_view text, const std::string& name);

}  // namespace handmill::cli
