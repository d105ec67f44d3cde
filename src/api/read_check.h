// For tests: bodies from JSON text, endpoints that can be asked one after another, and replies run
// over given events.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/fields.h"
#include "api/openai.h"

namespace handmill::api {

inline boost::json::object object_of(std::string_view text) {
  return boost::json::parse(text).as_object();
}

template <class T>
std::optional<Fault> fault_of(const Read<T>& read) {
  if (const Fault* fault = std::get_if<Fault>(&read)) return *fault;
  return std::nullopt;
}

/// What was asked; a test that expects a Fault does not call it.
template <class T>
T good(Read<T> read) {
  if (const Fault* fault = std::get_if<Fault>(&read)) {
    ADD_FAILURE() << fault->param << ": " << fault->message;
    return T();
  }
  return std::get<T>(std::move(read));
}

/// An endpoint and the smallest body that it takes.
struct Endpoint {
  std::string_view name;
  std::string_view minimal;
  std::function<std::optional<Fault>(const boost::json::object&)> read;
};

template <auto reader>
Endpoint endpoint(std::string_view name, std::string_view minimal) {
  return {name, minimal, [](const boost::json::object& body) { return fault_of(reader(body)); }};
}

inline const std::vector<Endpoint>& openai_endpoints() {
  static const std::vector<Endpoint> endpoints = {
      endpoint<read_openai_chat>("chat", R"({"messages":[{"role":"user","content":"Hi"}]})"),
      endpoint<read_openai_completion>("completions", R"({"prompt":"Hi"})"),
      endpoint<read_openai_response>("responses", R"({"input":"Hi"})"),
      endpoint<read_openai_embedding>("embeddings", R"({"input":"Hi"})"),
      endpoint<read_tokenize>("tokenize", R"({"content":"Hi"})"),
      endpoint<read_detokenize>("detokenize", R"({"tokens":[1]})"),
      endpoint<read_apply_template>("apply-template",
                                    R"({"messages":[{"role":"user","content":"Hi"}]})"),
  };
  return endpoints;
}

/// The fault of the endpoint's smallest body with one field set.
inline std::optional<Fault> fault_with(const Endpoint& endpoint, std::string_view field,
                                       boost::json::value value) {
  boost::json::object body = object_of(endpoint.minimal);
  body[field] = std::move(value);
  return endpoint.read(body);
}

inline const Endpoint& endpoint_named(std::string_view name) {
  for (const Endpoint& endpoint : openai_endpoints())
    if (endpoint.name == name) return endpoint;
  return openai_endpoints()[0];
}

inline Identity some_identity() { return {"7", 1'700'000'000'500'000'000, "smol", "1.2"}; }
/// 10 tokens of prompt, 4 of them cached, 5 of answer.
inline End some_end() {
  End end;
  end.usage = {10, 4, 5, 2};
  end.timings = {0.25, 0.5, 1.5, 0.75, 2.0, 3.5};
  return end;
}
inline constexpr std::string_view kSomeTimings =
    R"("timings":{"cache_n":4,"prompt_n":6,"prompt_ms":750,"prompt_per_token_ms":125,)"
    R"("prompt_per_second":8,"predicted_n":5,"predicted_ms":2000,"predicted_per_token_ms":500,)"
    R"("predicted_per_second":2,"queue_ms":250,"load_ms":500,"ttft_ms":1500})";
inline constexpr std::string_view kSomeUsage =
    R"("usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,)"
    R"("prompt_tokens_details":{"cached_tokens":4},)"
    R"("completion_tokens_details":{"reasoning_tokens":2}})";

/// Everything that a reply sends for these events.
inline std::string told(Reply& reply, std::vector<Delta> deltas, std::vector<ChoiceEnd> ends) {
  std::string out;
  reply.begin(some_identity(), {10, 4, 0, 0}, out);
  for (Delta& delta : deltas) reply.delta(std::move(delta), out);
  for (ChoiceEnd& end : ends) reply.end(std::move(end), out);
  reply.finish(some_end(), out);
  return out;
}

}  // namespace handmill::api
