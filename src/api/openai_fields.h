// The fields that several of OpenAI's endpoints share.
#pragma once

#include "api/fields.h"
#include "api/request.h"

namespace handmill::api {

/// temperature, top_p, seed, penalties, logit_bias, and the extensions of llama-server and vLLM;
/// samplers that handmill lacks are refused.
void read_sampling(Fields& body, sample::Settings& settings);
/// stop: a string, or an array of them; empty ones are dropped.
void read_stops(const Field& field, std::vector<std::string>& stops);
/// model, n, stop, num_ctx, priority, ignore_eos, and fields that change no answer.
void read_common(Fields& body, Completion& completion);
/// messages, with what a template may read of them as extras in OpenAI's form.
void read_messages(const Field& field, std::vector<chat::Message>& messages);
/// A text, or an array of parts of which each is a text; these are joined by line breaks.
/// `types`: what such a part may be called.
bool read_content(const Field& field, std::initializer_list<std::string_view> types,
                  std::string& text);
/// chat_template_kwargs, add_generation_prompt; refuses tools and templates in the request.
void read_render(Fields& body, chat::RenderOptions& render);
/// reasoning_effort, enable_thinking and their relatives.
void read_thinking(Fields& body, Completion& completion, chat::RenderOptions& render);
/// An effort by name: "none" thinks not at all.
void read_effort(const Field& field, std::optional<bool>& think, chat::RenderOptions& render);
/// A fault where prompts × choices is too many, or where prompts hold too many tokens.
void check_sequences(const Completion& completion, Reading& reading);

}  // namespace handmill::api
