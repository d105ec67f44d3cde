// Anthropic's replies: a message, or the events that build it.
#pragma once

#include <memory>

#include "api/dialect.h"

namespace handmill::api::anthropic {

/// `thinking`: whether the client, who has not asked for it otherwise, is shown any.
std::unique_ptr<Reply> make_reply(bool stream, bool thinking);

}  // namespace handmill::api::anthropic
