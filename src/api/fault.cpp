// Faults as each dialect tells them.
#include "api/dialect.h"
#include "api/json_writer.h"

namespace handmill::api {
namespace {

/// What a kind is called: its status, and the words of OpenAI and of Anthropic for it.
struct Row {
  int status;
  std::string_view openai_type;
  std::string_view openai_code;
  std::string_view anthropic_type;
};

Row row_of(Fault::Kind kind) {
  constexpr std::string_view kInvalid = "invalid_request_error";
  switch (kind) {
    case Fault::Kind::kInvalid: return {400, kInvalid, "invalid_value", kInvalid};
    case Fault::Kind::kContext: return {400, kInvalid, "context_length_exceeded", kInvalid};
    case Fault::Kind::kUnsupported: return {400, kInvalid, "unsupported_parameter", kInvalid};
    case Fault::Kind::kUnauthorized:
      return {401, "authentication_error", "invalid_api_key", "authentication_error"};
    case Fault::Kind::kForbidden: return {403, "permission_error", "forbidden", "permission_error"};
    case Fault::Kind::kNotFound: return {404, kInvalid, "not_found", "not_found_error"};
    case Fault::Kind::kMethod: return {405, kInvalid, "method_not_allowed", kInvalid};
    case Fault::Kind::kTooLarge: return {413, kInvalid, "request_too_large", "request_too_large"};
    case Fault::Kind::kBusy: return {503, "overloaded_error", "server_busy", "overloaded_error"};
    case Fault::Kind::kUnavailable:
      return {503, "unavailable_error", "unavailable", "overloaded_error"};
    case Fault::Kind::kInternal: break;
  }
  return {500, "server_error", "internal_error", "api_error"};
}

}  // namespace

int http_status(Fault::Kind kind) { return row_of(kind).status; }

std::string error_body(Dialect dialect, const Fault& fault) {
  const Row row = row_of(fault.kind);
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  switch (dialect) {
    case Dialect::kOpenAI:
      json.key("error").begin_object();
      json.field("message", fault.message).field("type", row.openai_type);
      if (fault.param.empty())
        json.field("param", nullptr);
      else
        json.field("param", fault.param);
      json.field("code", row.openai_code).end_object();
      break;
    case Dialect::kOllama: json.field("error", fault.message); break;
    case Dialect::kAnthropic:
      json.field("type", "error").key("error").begin_object();
      json.field("type", row.anthropic_type).field("message", fault.message).end_object();
      break;
  }
  json.end_object();
  return out;
}

}  // namespace handmill::api
