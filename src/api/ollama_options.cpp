#include "api/ollama_options.h"

#include <cmath>

#include "api/ollama_time.h"
#include "api/openai_fields.h"
#include "base/quote.h"

namespace handmill::api::ollama {
namespace {

void read_length(Fields& options, Completion& completion) {
  // −1: no end of its own; −2: until the context is full. Here both are the same.
  if (options.at("num_predict").read(completion.max_tokens, -2, kAnswerTokensMax.value))
    completion.max_tokens = std::max(completion.max_tokens, -1);
  options.at("num_ctx").read(completion.context, 0, kContextMax.value);
  int kept = 0;  // matters to a context that shifts alone
  options.at("num_keep").read(kept, -1, kContextMax.value);
}

void read_seed(Fields& options, sample::Settings& settings) {
  int64_t seed = -1;  // as if none were given
  if (options.at("seed").read(seed, INT64_MIN, INT64_MAX) && seed != -1)
    settings.seed = static_cast<uint64_t>(seed);
}

void read_mirostat(Fields& options, sample::Settings& settings) {
  int version = 0;
  const Field field = options.at("mirostat");
  field.read(version, 0, 2);
  if (version == 1) field.unsupported("1 is not supported; 0 (off) and 2 are");
  settings.mirostat = version == 2;
  options.at("mirostat_tau").read(settings.mirostat_tau, 0, 40);
  options.at("mirostat_eta").read(settings.mirostat_eta, 0, 1);
}

void read_samplers(Fields& options, sample::Settings& settings) {
  options.at("temperature").read(settings.temperature, 0, 100);
  options.at("top_k").read(settings.top_k, 0, kTopKMax.value);
  options.at("top_p").read(settings.top_p, 0, 1);
  options.at("min_p").read(settings.min_p, 0, 1);
  options.at("typical_p").read(settings.typical_p, 0, 1);
  options.at("repeat_last_n").read(settings.penalty_last_n, -1, kPenaltyWindowMax.value);
  options.at("repeat_penalty").read(settings.repeat_penalty, 0.01, 100);
  options.at("presence_penalty").read(settings.presence_penalty, -100, 100);
  options.at("frequency_penalty").read(settings.frequency_penalty, -100, 100);
  read_seed(options, settings);
  read_mirostat(options, settings);
}

}  // namespace

void read_options(const Field& field, Completion& completion) {
  sample::Settings& settings = completion.sampling;
  settings.top_p = 0.9f;
  settings.min_p = 0;
  Fields options = field.fields();
  read_length(options, completion);
  read_samplers(options, settings);
  read_stops(options.at("stop"), completion.stop);
  for (const std::string_view load_time :
       {"num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread", "draft_num_predict"})
    options.at(load_time);
  options.ignore_rest();
}

void read_model(Fields& body, std::string& model) {
  const Field old = body.at("name");
  if (!body.at("model").read(model, kModelBytesMax)) old.read(model, kModelBytesMax);
}

KeepAlive read_keep_alive(const Field& field) {
  using namespace std::chrono;
  constexpr std::string_view kWanted = R"(a number of seconds, or a duration such as "5m")";
  constexpr double kMost = 9e9;  // seconds: near the most nanoseconds that fit
  if (!field.given()) return {};
  nanoseconds time{};
  if (field.is_number()) {
    const auto seconds = field.value().to_number<double>();
    if (!(seconds <= kMost)) {
      field.invalid("is {}; at most {} seconds are taken", seconds, kMost);
      return {};
    }
    time = nanoseconds(std::llround(std::max(seconds, -kMost) * 1e9));
  } else if (field.is_text()) {
    const std::string_view text = field.value().get_string();
    const auto parsed = parse_duration(text);
    if (!parsed) {
      field.invalid("is {}; it must be {}", base::quoted(text, 40), kWanted);
      return {};
    }
    time = *parsed;
  } else {
    field.wrong_type(kWanted);
    return {};
  }
  return time < 0ns ? -1ms : ceil<milliseconds>(time);  // up: only 0 itself is "unload at once"
}

void read_think(const Field& field, Completion& completion, chat::RenderOptions& render) {
  if (!field.given()) return;
  if (field.is_text()) {
    size_t effort = 0;
    if (!field.read_word(effort, {"low", "medium", "high", "max"})) return;
    completion.think = true;
    render.extra["reasoning_effort"] = field.value();
  } else if (bool wanted = false; field.read(wanted)) {
    completion.think = wanted;
  }
}

}  // namespace handmill::api::ollama
