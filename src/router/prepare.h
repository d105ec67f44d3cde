// What can be done of a request before its model is loaded: checks, templates, tokens.
#pragma once

#include <string>
#include <vector>

#include "api/request.h"
#include "chat/prompt.h"
#include "router/faults.h"
#include "router/front.h"

namespace handmill::router {

/// Most tokens of a prompt, where an engine has so many positions for a sequence, and the request
/// asks for a context (0: all) of which the answer gets at least one.
int positions_for(int engine_positions, int asked);

/// Everything in the request that does not depend on a tokenizer's model: ranges, stops, counts.
std::optional<api::Fault> check(const api::Completion& completion);

/// One prompt for each of the request's, of at most `positions` tokens. A conversation that is
/// longer loses its oldest turns where the request allows it.
Outcome<std::vector<chat::Prompt>> prepare(const Front& front, const api::Completion& completion,
                                           int positions);
Outcome<chat::Prompt> make_prompt(const Front& front, const api::Prompt& prompt, bool bos,
                                  std::optional<bool> think);

/// The same of an embedding's inputs.
Outcome<std::vector<std::vector<text::Token>>> prepare(const Front& front,
                                                       const api::Embedding& embedding,
                                                       int positions);

}  // namespace handmill::router
