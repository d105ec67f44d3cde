// Lines of Ollama's replies: a JSON object each, one for a whole answer or one for every piece of
// it. Every line has the time at which the reply was made (Identity.created_ns): there is no clock
// here, and clients reckon with the durations of the last one.
#pragma once

#include <memory>

#include "api/ollama.h"

namespace handmill::api::ollama {

struct ReplyOptions {
  Route route = Route::kChat;  // kGenerate or kChat
  bool stream = true;
  bool thinking = true;  // false: the client does not want to see any
};
std::unique_ptr<Reply> make_reply(const ReplyOptions& options);

}  // namespace handmill::api::ollama
