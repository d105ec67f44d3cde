// What shapes an answer: one table of parameters, read by the flags of `run` (--top-k), by /set in
// the chat (top_k) and by saved chats. A new sampler setting is one line in it.
#pragma once

#include <boost/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/args.h"
#include "sample/sampler.h"

namespace handmill::cli {

struct Parameters {
  sample::Settings sampling;
  bool any_seed = false;          // "random" was asked for
  int max_tokens = -1;            // −1: until the context is full
  std::vector<std::string> stop;  // the answer ends before the first of these
};

struct Parameter {
  std::string_view name;  // "top_k"; its flag is --top-k
  std::string_view meta;
  std::string_view help;
  bool many;  // several values make sense
  Status (*set)(Parameters&, std::span<const std::string> values);
  std::string (*get)(const Parameters&);
};

std::span<const Parameter> parameters();
/// By its name, with '-' for '_', or by the name that ollama uses (num_predict, repeat_last_n).
const Parameter* find_parameter(std::string_view name);
std::vector<std::string> parameter_names();

/// Sets one parameter; an unknown name or a bad value leaves `target` as it was, and the error
/// names it.
Status set_parameter(Parameters& target, std::string_view name,
                     std::span<const std::string> values);

/// A flag for each, and --greedy. `target` must live until the arguments are parsed.
void declare_parameters(Args& args, Parameters& target);

/// Those that differ from the defaults, as name → list of strings, and back.
boost::json::object to_json(const Parameters& parameters);
Status from_json(const boost::json::object& object, Parameters& target);

}  // namespace handmill::cli
