// The commands that can be typed into the chat: "/set temperature 0", "/save talk.json". One table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/chat.h"

namespace handmill::cli {

/// Whether an entry is meant as a command: one line whose first word is '/' and a name ("/usr/bin"
/// is not).
bool is_command(std::string_view entry);
Status run_command(Chat& chat, std::string_view entry);

/// What the Tab key offers.
std::vector<std::string> chat_completions();

/// Words as a shell has them: spaces part them, quotes hold them together, \n \t \" \\ inside
/// double quotes mean what they do in C.
Result<std::vector<std::string>> split_words(std::string_view line);

}  // namespace handmill::cli
