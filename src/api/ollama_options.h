// The fields that Ollama's requests share: the model, the `options` table, keep_alive, think.
#pragma once

#include "api/fields.h"
#include "api/request.h"

namespace handmill::api::ollama {

/// `model`, or `name`.
void read_model(Fields& body, std::string& model);

/// The `options` of a request, over Ollama's defaults. Those that say how a model is loaded are
/// taken and change nothing; unknown ones are ignored, for clients send what any version ever had.
void read_options(const Field& field, Completion& completion);

/// Seconds, or a duration of Go's ("1h30m"); negative: for ever.
KeepAlive read_keep_alive(const Field& field);

/// `think`: whether to, or how hard; the latter is told to the template as reasoning_effort.
void read_think(const Field& field, Completion& completion, chat::RenderOptions& render);

}  // namespace handmill::api::ollama
