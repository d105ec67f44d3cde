#include "router/faults.h"

#include <fmt/format.h>

#include "base/quote.h"

namespace handmill::router {

using Kind = api::Fault::Kind;

api::Fault invalid(const Error& error, std::string_view param) {
  const Kind kind = error.code == Code::kUnsupported ? Kind::kUnsupported : Kind::kInvalid;
  return {kind, error.message, std::string(param)};
}

api::Fault invalid_setting(const Error& error) {
  return invalid(error, std::string_view(error.message).substr(0, error.message.find(' ')));
}

api::Fault too_long(size_t tokens, int positions, std::string_view param) {
  return {Kind::kContext,
          fmt::format("the prompt has {} tokens; the context has room for {}", tokens, positions),
          std::string(param)};
}

api::Fault not_taken(const Error& error, std::string_view param) {
  const bool too_many = error.code == Code::kLimit;
  return {too_many ? Kind::kContext : Kind::kInvalid, error.message, std::string(param)};
}

api::Fault no_model(std::string_view name) {
  return {Kind::kNotFound, fmt::format("there is no model {}", base::quoted(name)), "model"};
}

api::Fault shutting_down() { return {Kind::kUnavailable, "the server is shutting down"}; }

api::Fault not_loaded(Error error, const std::string& path, const std::string& name) {
  std::string& text = error.message;
  for (size_t at = 0; !path.empty() && (at = text.find(path, at)) != std::string::npos;)
    text.replace(at, path.size(), name), at += name.size();
  return {Kind::kUnavailable,
          fmt::format("model {} cannot be loaded: {}", base::quoted(name), text), "model"};
}

}  // namespace handmill::router
