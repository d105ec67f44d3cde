#include "cli/parameters.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "base/error.h"
#include "base/quote.h"
#include "cli/suggest.h"
#include "cli/utf8.h"

namespace handmill::cli {
namespace {

using Values = std::span<const std::string>;

template <float sample::Settings::* kField>
Status set_float(Parameters& target, Values values) {
  HANDMILL_TRY(const double value, parse_number(values.back()));
  target.sampling.*kField = static_cast<float>(value);
  return {};
}
template <float sample::Settings::* kField>
std::string get_float(const Parameters& source) {
  return fmt::format("{}", source.sampling.*kField);
}

template <int sample::Settings::* kField>
Status set_int(Parameters& target, Values values) {
  HANDMILL_TRY(const int64_t value, parse_integer(values.back(), INT_MIN, INT_MAX));
  target.sampling.*kField = static_cast<int>(value);
  return {};
}
template <int sample::Settings::* kField>
std::string get_int(const Parameters& source) {
  return fmt::format("{}", source.sampling.*kField);
}

Status set_mirostat(Parameters& target, Values values) {
  const std::string& value = values.back();
  if (value == "1")
    return base::unsupported("mirostat 1 is not there; 2 switches mirostat 2 on, 0 off");
  const bool on = value == "2" || value == "on" || value == "true";
  if (!on && value != "0" && value != "off" && value != "false")
    return base::invalid("\"{}\" is neither 2 (on) nor 0 (off)", value);
  target.sampling.mirostat = on;
  return {};
}

Status set_seed(Parameters& target, Values values) {
  if (values.back() == "random" || values.back() == "-1") {
    target.sampling.seed.reset();
    target.any_seed = true;
    return {};
  }
  HANDMILL_TRY(const int64_t value, parse_integer(values.back(), 0, INT64_MAX));
  target.sampling.seed = static_cast<uint64_t>(value);
  return {};
}

Status set_logit_bias(Parameters& target, Values values) {
  std::vector<std::pair<text::Token, float>> biases;
  for (const std::string& value : values) {
    const size_t equals = value.find('=');
    if (equals == std::string::npos)
      return base::invalid("\"{}\" should read TOKEN=BIAS, such as 29=-2.5 or 29=-inf", value);
    HANDMILL_TRY(const int64_t token, parse_integer(value.substr(0, equals), 0, INT_MAX));
    const std::string bias = value.substr(equals + 1);
    double number = -std::numeric_limits<double>::infinity();
    if (bias != "-inf") {
      HANDMILL_TRY(number, parse_number(bias));
    }
    biases.emplace_back(static_cast<text::Token>(token), static_cast<float>(number));
  }
  target.sampling.logit_bias = std::move(biases);
  return {};
}
std::string get_logit_bias(const Parameters& source) {
  std::string out;
  for (const auto& [token, bias] : source.sampling.logit_bias)
    out += fmt::format("{}{}={}", out.empty() ? "" : " ", token, bias);
  return out.empty() ? "none" : out;
}

Status set_max_tokens(Parameters& target, Values values) {
  HANDMILL_TRY(const int64_t value, parse_integer(values.back(), -1, INT_MAX));
  if (value == 0) return base::invalid("0 tokens make no answer; -1 means without a limit");
  target.max_tokens = static_cast<int>(value);
  return {};
}

Status set_stop(Parameters& target, Values values) {
  constexpr size_t kMostStops = 64, kLongestStop = 4096;
  std::vector<std::string> stop;
  for (const std::string& value : values) {
    if (value.empty()) continue;  // `/set stop ""` clears them
    if (value.size() > kLongestStop)
      return base::limit("a stop string has {} bytes; at most {} are allowed", value.size(),
                         kLongestStop);
    stop.push_back(value);
  }
  if (stop.size() > kMostStops)
    return base::limit("{} stop strings; at most {} are allowed", stop.size(), kMostStops);
  target.stop = std::move(stop);
  return {};
}
std::string get_stop(const Parameters& source) {
  std::string out;
  for (const std::string& stop : source.stop) out += (out.empty() ? "" : " ") + base::quoted(stop);
  return out.empty() ? "none" : out;
}

using S = sample::Settings;
constexpr std::array kParameters = {
    Parameter{"temperature", "T", "How freely to choose; 0 always takes the likeliest token", false,
              set_float<&S::temperature>, get_float<&S::temperature>},
    Parameter{"top_k", "N", "Choose among the N likeliest tokens; 0 is off", false,
              set_int<&S::top_k>, get_int<&S::top_k>},
    Parameter{"top_p", "P", "Choose among the likeliest that together reach P; 1 is off", false,
              set_float<&S::top_p>, get_float<&S::top_p>},
    Parameter{"min_p", "P", "Leave out tokens below P times the likeliest; 0 is off", false,
              set_float<&S::min_p>, get_float<&S::min_p>},
    Parameter{"typical_p", "P", "Keep the locally typical tokens that reach P; 1 is off", false,
              set_float<&S::typical_p>, get_float<&S::typical_p>},
    Parameter{"repeat_penalty", "X", "Divide the logits of recent tokens by X; 1 is off", false,
              set_float<&S::repeat_penalty>, get_float<&S::repeat_penalty>},
    Parameter{"presence_penalty", "X", "Subtract X from recent tokens once; 0 is off", false,
              set_float<&S::presence_penalty>, get_float<&S::presence_penalty>},
    Parameter{"frequency_penalty", "X", "Subtract X from recent tokens for each time; 0 is off",
              false, set_float<&S::frequency_penalty>, get_float<&S::frequency_penalty>},
    Parameter{"penalty_last_n", "N", "How many latest tokens the penalties look at; -1 is all",
              false, set_int<&S::penalty_last_n>, get_int<&S::penalty_last_n>},
    Parameter{"mirostat", "0|2", "2 holds the surprise constant instead of top-k, top-p and others",
              false, set_mirostat,
              [](const Parameters& p) { return std::string(p.sampling.mirostat ? "2" : "0"); }},
    Parameter{"mirostat_tau", "X", "The surprise that mirostat aims at, in bits", false,
              set_float<&S::mirostat_tau>, get_float<&S::mirostat_tau>},
    Parameter{"mirostat_eta", "X", "How fast mirostat corrects itself", false,
              set_float<&S::mirostat_eta>, get_float<&S::mirostat_eta>},
    Parameter{"logit_bias", "ID=X", "Add X to the logit of token ID (-inf forbids it); repeatable",
              true, set_logit_bias, get_logit_bias},
    Parameter{"seed", "N|random",
              "Same seed, same answer, on every machine; 1 where a single answer names none", false,
              set_seed,
              [](const Parameters& p) {
                return p.sampling.seed ? fmt::format("{}", *p.sampling.seed) : "random";
              }},
    Parameter{"max_tokens", "N", "End the answer after N tokens; -1 is no limit", false,
              set_max_tokens, [](const Parameters& p) { return fmt::format("{}", p.max_tokens); }},
    Parameter{"stop", "TEXT", "End the answer before TEXT; repeatable", true, set_stop, get_stop},
};

}  // namespace

std::span<const Parameter> parameters() { return kParameters; }

const Parameter* find_parameter(std::string_view given) {
  std::string name(given);
  std::replace(name.begin(), name.end(), '-', '_');
  if (name == "num_predict") name = "max_tokens";
  if (name == "repeat_last_n") name = "penalty_last_n";
  const auto at = std::find_if(kParameters.begin(), kParameters.end(),
                               [&](const Parameter& p) { return p.name == name; });
  return at == kParameters.end() ? nullptr : &*at;
}

std::vector<std::string> parameter_names() {
  std::vector<std::string> names;
  for (const Parameter& parameter : kParameters) names.emplace_back(parameter.name);
  return names;
}

Status set_parameter(Parameters& target, std::string_view name, Values values) {
  const Parameter* parameter = find_parameter(name);
  if (parameter == nullptr)
    return base::not_found("there is no parameter {}{}", base::quoted(name),
                           did_you_mean(name, parameter_names()));
  if (values.empty())
    return base::invalid("{} needs a value ({})", parameter->name, parameter->meta);
  if (values.size() > 1 && !parameter->many)
    return base::invalid("{} takes one value, not {}", parameter->name, values.size());
  Parameters changed = target;
  if (Status status = parameter->set(changed, values); !status.ok())
    return Error{status.error().code,
                 fmt::format("{}: {}", parameter->name, status.error().message)};
  target = std::move(changed);
  return {};
}

void declare_parameters(Args& args, Parameters& target) {
  for (const Parameter& parameter : kParameters) {
    std::string flag = "--" + std::string(parameter.name);
    std::replace(flag.begin(), flag.end(), '_', '-');
    const auto set = [&target, &parameter](const std::vector<std::string>& values) {
      const Values last = Values(values).last(parameter.many ? values.size() : 1);
      return parameter.set(target, last);
    };
    args.option(flag, std::string(parameter.meta), set,
                fmt::format("{} [{}]", parameter.help, parameter.get(Parameters{})));
  }
}

boost::json::object to_json(const Parameters& source) {
  boost::json::object object;
  const Parameters defaults;
  for (const Parameter& parameter : kParameters) {
    if (parameter.many || parameter.get(source) == parameter.get(defaults)) continue;
    object[parameter.name] = parameter.get(source);
  }
  boost::json::array stops;
  for (const std::string& stop : source.stop)
    stops.push_back(boost::json::string(valid_utf8(stop)));
  if (!stops.empty()) object["stop"] = std::move(stops);
  boost::json::array biases;
  for (const auto& [token, bias] : source.sampling.logit_bias)
    biases.push_back(boost::json::value(fmt::format("{}={}", token, bias)));
  if (!biases.empty()) object["logit_bias"] = std::move(biases);
  return object;
}

Status from_json(const boost::json::object& object, Parameters& target) {
  Parameters changed;
  for (const auto& member : object) {
    std::vector<std::string> values;
    const auto* list = member.value().if_array();
    for (const boost::json::value& value :
         list != nullptr ? *list : boost::json::array{member.value()}) {
      if (!value.is_string())
        return base::invalid("parameters.{}: not a text or a list of texts",
                             base::quoted(member.key()));
      values.emplace_back(value.get_string());
    }
    if (list != nullptr && values.empty()) continue;
    HANDMILL_OK(set_parameter(changed, member.key(), values));
  }
  target = std::move(changed);
  return {};
}

}  // namespace handmill::cli
