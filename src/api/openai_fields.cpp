#include "api/openai_fields.h"

#include <charconv>
#include <limits>

#include "base/quote.h"

namespace handmill::api {
namespace {

constexpr std::string_view kNotSampled = "asks for a way of sampling that handmill does not have";
constexpr std::string_view kNoGrammar = "is not supported: answers cannot be bound to a form yet";

void read_bias(const Field& field, text::Token token,
               std::vector<std::pair<text::Token, float>>& out) {
  float bias = 0;
  if (field.is_bool() && !field.value().get_bool())
    bias = -std::numeric_limits<float>::infinity();
  else if (!field.required().read(bias, -100, 100))
    return;
  out.emplace_back(token, bias);
}

/// [[15043, -1.0], [15, false]], as llama-server has it beside OpenAI's object.
void read_bias_pairs(const Field& field, std::vector<std::pair<text::Token, float>>& out) {
  for (const Field& item : field.items(kBiasesMax)) {
    const std::vector<Field> pair = item.required().items(kWordsMax);
    if (pair.size() != 2) {
      item.invalid("must be a pair of a token number and a bias");
      return;
    }
    int token = 0;
    if (pair[0].required().read(token, 0, kTokenIdMax.value)) read_bias(pair[1], token, out);
  }
}

void read_logit_bias(const Field& field, std::vector<std::pair<text::Token, float>>& out) {
  if (!field.given()) return;
  if (field.is_array()) return read_bias_pairs(field, out);
  if (!field.is_object()) return field.wrong_type("an object of token numbers and biases");
  const boost::json::object& object = field.value().get_object();
  if (object.size() > static_cast<uint64_t>(kBiasesMax.value))
    return field.invalid("has {} tokens; at most {} are taken", object.size(), kBiasesMax.value);
  Fields biases = field.fields();
  for (const auto& [key, value] : object) {
    const std::string_view name = key;
    text::Token token = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), token);
    if (error != std::errc() || end != name.data() + name.size() || token < 0)
      return field.invalid("has the key {}; keys are token numbers", base::quoted(name, 40));
    read_bias(biases.at(name), token, out);
  }
}

/// A sampler that is off up to `off`.
void refuse_above(Fields& body, std::string_view name, double off) {
  const Field field = body.at(name);
  double value = off;
  if (field.read(value, std::numeric_limits<double>::lowest(),
                 std::numeric_limits<double>::max()) &&
      value > off)
    field.unsupported("{}", kNotSampled);
}

void read_mirostat(Fields& body, sample::Settings& settings) {
  const Field mode = body.at("mirostat");
  int version = 0;
  if (mode.read(version, 0, 2) && version == 1) mode.unsupported("is 1; handmill has mirostat 2");
  settings.mirostat = version == 2;
  body.at("mirostat_tau").read(settings.mirostat_tau, 0, 40);
  body.at("mirostat_eta").read(settings.mirostat_eta, 0, 1);
}

void read_seed(const Field& field, std::optional<uint64_t>& seed) {
  constexpr int64_t kAny = -1;  // what llama-server, vLLM and Ollama have for "none given"
  int64_t number = kAny;
  if (field.read(number, INT64_MIN, INT64_MAX) && number != kAny)
    seed = static_cast<uint64_t>(number);
}

}  // namespace

void read_sampling(Fields& body, sample::Settings& settings) {
  body.at("temperature").read(settings.temperature, 0, 100);
  body.at("top_p").read(settings.top_p, 0, 1);
  body.at("min_p").read(settings.min_p, 0, 1);
  body.at("typical_p").read(settings.typical_p, 0, 1);
  if (body.at("top_k").read(settings.top_k, -1, kTopKMax.value) && settings.top_k < 0)
    settings.top_k = 0;  // both are "off", to vLLM and to llama-server
  body.at("presence_penalty").read(settings.presence_penalty, -100, 100);
  body.at("frequency_penalty").read(settings.frequency_penalty, -100, 100);
  body.at("repeat_penalty").read(settings.repeat_penalty, 0.01, 100);
  body.at("repetition_penalty").read(settings.repeat_penalty, 0.01, 100);
  body.at("repeat_last_n").read(settings.penalty_last_n, -1, kPenaltyWindowMax.value);
  read_mirostat(body, settings);
  read_seed(body.at("seed"), settings.seed);
  read_logit_bias(body.at("logit_bias"), settings.logit_bias);

  for (const char* name : {"dry_multiplier", "xtc_probability", "dynatemp_range", "min_tokens",
                           "length_penalty", "top_a", "smoothing_factor"})
    refuse_above(body, name, name == std::string_view("length_penalty") ? 1 : 0);
  refuse_above(body, "top_n_sigma", 0);
  body.refuse({"use_beam_search", "stop_token_ids", "bad_words", "allowed_token_ids", "samplers",
               "logits_processors", "post_sampling_probs", "n_probs"},
              kNotSampled);
  body.refuse({"grammar", "json_schema", "guided_json", "guided_regex", "guided_choice",
               "guided_grammar", "structured_outputs", "structural_tag"},
              kNoGrammar);
}

void read_stops(const Field& field, std::vector<std::string>& stops) {
  if (!field.given()) return;
  std::string stop;
  if (field.is_text()) {
    if (field.read(stop, kStopBytesMax) && !stop.empty()) stops.push_back(std::move(stop));
    return;
  }
  if (!field.is_array()) return field.wrong_type("a string or an array of strings");
  for (const Field& item : field.items(kStopsMax))
    if (item.required().read(stop, kStopBytesMax) && !stop.empty()) stops.push_back(stop);
}

void read_common(Fields& body, Completion& completion) {
  body.at("model").read(completion.model, kModelBytesMax);
  body.at("n").read(completion.choices, 1, kChoicesMax.value);
  read_stops(body.at("stop"), completion.stop);
  body.at("num_ctx").read(completion.context, 1, kContextMax.value);
  body.at("priority").read(completion.priority, -kPriorityMax.value, kPriorityMax.value);
  body.at("ignore_eos").read(completion.ignore_end);
  body.pass_over({"user", "metadata", "store", "service_tier", "parallel_tool_calls", "verbosity",
                  "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "request_id",
                  "cache_prompt", "id_slot", "timings_per_token"});
  body.refuse({"truncate_prompt_tokens", "prompt_embeds", "lora", "logits_bias", "prompt_logprobs",
               "return_tokens_as_token_ids", "return_token_ids"},
              "is not supported");
}

void read_render(Fields& body, chat::RenderOptions& render) {
  body.at("add_generation_prompt").read(render.add_generation_prompt);
  const Field kwargs = body.at("chat_template_kwargs");
  Fields names = kwargs.fields();
  if (kwargs.is_object()) {
    render.extra = kwargs.value().get_object();
    if (render.extra.size() > static_cast<uint64_t>(kTemplateFieldsMax.value))
      kwargs.invalid("has {} variables; at most {} are taken", render.extra.size(),
                     kTemplateFieldsMax.value);
    for (const char* own : {"messages", "tools", "add_generation_prompt", "bos_token", "eos_token"})
      if (render.extra.contains(own)) names.at(own).invalid("cannot be set by a request");
  }
  body.refuse({"tools", "functions"}, "is not supported yet: handmill calls no tools");
  for (const char* name : {"tool_choice", "function_call"}) {
    const Field choice = body.at(name);
    if (!choice.given()) continue;
    if (!choice.is_text() && !choice.is_object())
      choice.wrong_type("a string or an object");
    else if (choice.is_object() ||
             (choice.value().get_string() != "none" && choice.value().get_string() != "auto"))
      choice.unsupported("is not supported yet: handmill calls no tools");
  }
  body.refuse({"chat_template", "documents", "continue_final_message", "mm_processor_kwargs"},
              "is not supported");
}

void read_effort(const Field& field, std::optional<bool>& think, chat::RenderOptions& render) {
  size_t word = 0;
  if (!field.read_word(word, {"none", "minimal", "low", "medium", "high", "xhigh", "max"})) return;
  think = word != 0;
  // Templates of models that know efforts read this name.
  if (word != 0) render.extra["reasoning_effort"] = field.value();
}

void read_thinking(Fields& body, Completion& completion, chat::RenderOptions& render) {
  bool thinks = false;
  // Other variables of these names are the template's own affair.
  Fields kwargs = body.at("chat_template_kwargs").fields();
  for (const Field& field : {kwargs.at("enable_thinking"), kwargs.at("thinking")})
    if (field.is_bool()) completion.think = field.value().get_bool();
  for (const Field& field : {body.at("enable_thinking"), body.at("think")})
    if (field.read(thinks)) completion.think = thinks;
  const Field thinking = body.at("thinking");
  size_t word = 0;
  if (thinking.fields().at("type").read_word(word, {"enabled", "disabled", "auto"}) && word < 2)
    completion.think = word == 0;
  read_effort(body.at("reasoning_effort"), completion.think, render);
  const Field reasoning = body.at("reasoning");
  Fields fields = reasoning.fields();
  read_effort(fields.at("effort"), completion.think, render);
  if (fields.at("enabled").read(thinks)) completion.think = thinks;
  body.refuse({"thinking_budget", "thinking_token_budget", "reasoning_budget"},
              "is not supported: thinking has no budget of its own yet");
}

void check_sequences(const Completion& completion, Reading& reading) {
  const size_t count = completion.prompts.size() * static_cast<size_t>(completion.choices);
  if (count > static_cast<uint64_t>(kSequencesMax.value))
    reading.fail(
        Fault::Kind::kInvalid, "n",
        fmt::format("n is {} for {} prompts, which are {} answers; at most {} are given",
                    completion.choices, completion.prompts.size(), count, kSequencesMax.value));
  size_t tokens = 0;
  for (const Prompt& prompt : completion.prompts)
    if (const auto* numbers = std::get_if<std::vector<text::Token>>(&prompt))
      tokens += numbers->size();
  if (tokens > static_cast<uint64_t>(kTokensMax.value))
    reading.fail(
        Fault::Kind::kInvalid, "prompt",
        fmt::format("prompt has {} tokens in all; at most {} are taken", tokens, kTokensMax.value));
}

}  // namespace handmill::api
