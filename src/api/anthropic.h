// Anthropic's Messages language: /v1/messages and /v1/messages/count_tokens. Thinking is off unless
// the request turns it on, as there. null is absence.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/dialect.h"
#include "api/request.h"

namespace handmill::api::anthropic {

Read<Asked> read_messages(std::string_view body);

/// Wants the number of tokens that the conversation has as a prompt.
struct CountAsk {
  std::string model;
  Conversation conversation;
  std::optional<bool> think;  // as Completion's: it may change the prompt
  std::vector<std::string> ignored;
};
Read<CountAsk> read_count_tokens(std::string_view body);
std::string count_tokens_reply(int tokens);

}  // namespace handmill::api::anthropic
