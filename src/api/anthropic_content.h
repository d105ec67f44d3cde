// Anthropic's conversations, whose messages are lists of blocks, as the ones that templates read:
// a message has one text, a tool's result is a message of its own, and thinking and calls are
// beside the text.
#pragma once

#include <vector>

#include "api/fields.h"
#include "chat/chat.h"

namespace handmill::api::anthropic {

/// `system` and `messages`. Messages of one role that touch become one, as there.
std::vector<chat::Message> read_conversation(Fields& body);

}  // namespace handmill::api::anthropic
