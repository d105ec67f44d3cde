// Any bytes as the body of any endpoint: a Fault that says something, or a request inside the
// limits whose reply is valid JSON, never a crash.
#include <boost/json.hpp>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "api/fields.h"
#include "api/json_writer.h"
#include "api/openai.h"

namespace {

using namespace handmill::api;
using Object = boost::json::object;

void check(bool holds) {
  if (!holds) std::abort();
}

void check_fault(const Fault& fault) {
  check(!fault.message.empty() && http_status(fault.kind) < 500);
  for (Dialect dialect : {Dialect::kOpenAI, Dialect::kOllama, Dialect::kAnthropic}) {
    boost::system::error_code code;
    boost::json::parse(error_body(dialect, fault), code);
    check(!code);
  }
}

/// The data of every event, or the whole body.
void check_json(std::string_view text, bool events) {
  while (!text.empty()) {
    const size_t end = events ? text.find("\n\n") : text.size();
    check(end != text.npos);
    std::string_view one = text.substr(0, end);
    text.remove_prefix(events ? end + 2 : end);
    if (events) {
      const size_t data = one.find("data: ");
      check(data != one.npos);
      one.remove_prefix(data + 6);
      if (one == "[DONE]") continue;
    }
    boost::system::error_code code;
    boost::json::parse(one, code);
    check(!code);
  }
}

void answer(const Completion& completion, Reply& reply) {
  const size_t choices = completion.prompts.size() * static_cast<size_t>(completion.choices);
  check(choices >= 1 && choices <= static_cast<size_t>(kSequencesMax.value));
  std::string out;
  reply.begin({"1", 1, "m\xff", "1"}, {}, out);
  for (int choice = 0; choice < static_cast<int>(choices); ++choice) {
    reply.delta({choice, "a", "", {{{1, "\xe4", NAN}, {{2, "b", -INFINITY}}}}}, out);
    reply.delta({choice, "", "\"", {}}, out);
    reply.end({choice, Finish::kStop, "", {}}, out);
  }
  reply.finish({}, out);
  check_json(out, reply.content_type() == "text/event-stream");
}

template <auto reader>
void run(const Object& body) {
  auto read = reader(body);
  if (const Fault* fault = std::get_if<Fault>(&read)) return check_fault(*fault);
  auto& asked = std::get<0>(read);
  check(asked.ignored.size() <= 64);
  if constexpr (std::is_same_v<decltype(read), Read<Asked>>) {
    check(handmill::sample::validate_ranges(asked.completion.sampling).ok());
    answer(asked.completion, *asked.reply);
  }
}

constexpr void (*kEndpoints[])(const Object&) = {
    run<read_openai_chat>,      run<read_openai_completion>, run<read_openai_response>,
    run<read_openai_embedding>, run<read_tokenize>,          run<read_detokenize>,
    run<read_apply_template>,
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto body = parse_body({reinterpret_cast<const char*>(data), size});
  if (const Fault* fault = std::get_if<Fault>(&body)) return check_fault(*fault), 0;
  for (const auto& endpoint : kEndpoints) endpoint(std::get<Object>(body));
  return 0;
}
