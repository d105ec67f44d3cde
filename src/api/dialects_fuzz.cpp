// libFuzzer: any bytes as the body of any route of Ollama's and Anthropic's: a request whose every
// number is in its range and whose reply is whole JSON lines, or a fault with a message and a 4xx.
#include <cstdlib>
#include <string_view>

#include "api/anthropic.h"
#include "api/limits.h"
#include "api/ollama.h"
#include "base/json.h"

namespace {

using namespace handmill;
using namespace handmill::api;

void require(bool truth) {
  if (!truth) std::abort();
}

void look(const Fault& fault) {
  require(!fault.message.empty());
  const int status = http_status(fault.kind);
  require(status >= 400 && status < 500);
  require(base::parse_json(error_body(Dialect::kAnthropic, fault)).ok());
}

void look(Asked& asked) {
  const Completion& completion = asked.completion;
  require(sample::validate_ranges(completion.sampling).ok());
  require(completion.max_tokens >= -1 && completion.context >= 0);
  require(completion.logprobs >= -1 && completion.logprobs <= kTopLogprobsMax.value);
  require(completion.prompts.size() == 1);
  require(completion.stop.size() <= static_cast<size_t>(kStopsMax.value));
  std::string out;
  asked.reply->begin({"id", 0, completion.model, "0"}, {}, out);
  asked.reply->delta({0, "a", "b", {}}, out);
  asked.reply->end({}, out);
  asked.reply->finish({}, out);
  const std::string_view type = asked.reply->content_type();
  if (type == "application/json") require(base::parse_json(out).ok());
  if (type == "application/x-ndjson") require(out.ends_with("}\n"));
}

void look(ollama::AskedEmbedding& asked) { require(!asked.embedding.inputs.empty()); }
void look(const anthropic::CountAsk& ask) { require(!ask.conversation.messages.empty()); }
void look(const ollama::ShowAsk&) {}
void look(const ollama::Preload& asked) {
  require(base::parse_json(ollama::preloaded(asked, {"id", 0, asked.model, "0"}, {})).ok());
}
void look(const ollama::Unload& asked) {
  require(base::parse_json(ollama::unloaded(asked, {"id", 0, asked.model, "0"})).ok());
}

template <class T>
void look_at_any(T result) {
  std::visit([](auto& outcome) { look(outcome); }, result);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  look_at_any(ollama::read_generate(body));
  look_at_any(ollama::read_chat(body));
  look_at_any(ollama::read_embed(body));
  look_at_any(ollama::read_embeddings(body));
  look_at_any(ollama::read_show(body));
  look_at_any(anthropic::read_messages(body));
  look_at_any(anthropic::read_count_tokens(body));
  return 0;
}
