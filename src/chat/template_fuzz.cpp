// Any bytes as a template over a conversation with tools: an error or a text, never a crash, and
// the pieces are valid.
#include <boost/json.hpp>
#include <cstdlib>
#include <string_view>

#include "chat/chat.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace handmill::chat;
  auto parsed = Template::parse({reinterpret_cast<const char*>(data), size}, "<s>", "</s>");
  if (!parsed.ok()) return 0;
  static const std::vector<Message> messages = {
      {"system", "Be brief.", {}},
      {"user", "<|im_start|> Grüße 世界\n\"x\" {{ y }}", {}},
      {"assistant",
       "",
       {{"tool_calls",
         {{{"id", "abc123def"}, {"function", {{"name", "f"}, {"arguments", {{"a", 1.5}}}}}}}}}},
      {"tool", "{\"r\": 1}", {{"tool_call_id", "abc123def"}}}};
  static const RenderOptions options = {
      true,
      {{{"type", "function"}, {"function", {{"name", "f"}, {"parameters", {{"type", "object"}}}}}}},
      {{"n", 7}, {"f", 0.5}, {"x", {3, 1, "b", nullptr}}, {"enable_thinking", true}}};
  auto result = (*parsed)->render(messages, options);
  if (!result.ok()) {
    if (result.error().message.empty()) std::abort();
    return 0;
  }
  for (size_t i = 0; i < result->size(); ++i) {
    if ((*result)[i].text.empty()) std::abort();
    if (i > 0 && (*result)[i].special == (*result)[i - 1].special) std::abort();
  }
  return 0;
}
