// From a conversation, or a text, to the tokens that a model is given: the template's pieces, the
// BOS token once, and whether the prompt has begun the model's reasoning for it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/chat.h"
#include "text/tokenizer.h"

namespace handmill::chat {

struct Prompt {
  std::vector<text::Token> tokens;
  std::string text;       // of the tokens, without a BOS token that the tokenizer added
  bool thinking = false;  // the answer begins inside a <think> part
};

/// Through the model's template: what the messages hold never becomes a control token. `think`
/// asks a model that can think to do so or not: by the variables that templates read, and where
/// the prompt opens the part all the same, by closing it.
Result<Prompt> make_prompt(const Template& chat_template, const text::Tokenizer& tokenizer,
                           const std::vector<Message>& messages, RenderOptions options = {},
                           std::optional<bool> think = {});

/// The text as it is, after the BOS token if `bos`; control tokens in it count only with `special`.
Prompt raw_prompt(const text::Tokenizer& tokenizer, std::string_view text, bool special, bool bos);

/// The segments in one text.
std::string joined(const std::vector<text::Segment>& segments);

}  // namespace handmill::chat
