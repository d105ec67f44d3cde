// An open-loop load generator for servers that speak OpenAI's streaming completions, on this
// machine: ninja -C build/release load && build/release/bench/load --help
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <fstream>

#include "load/client.h"

namespace handmill::load {
namespace {

struct Words {
  std::string url, prompt = "200", output = "64", goal, json, markdown;
};

void add_options(CLI::App& app, Words& words, Settings& s, Limits& limits) {
  app.add_option("url", words.url, "the server, as http://127.0.0.1:PORT")->required();
  app.add_option("--model", s.model, "its name in the requests [none]");
  app.add_flag("--chat", s.chat, "ask /v1/chat/completions [/v1/completions]");
  auto* ids = app.add_flag("--ids", s.ids, "prompts of token ids, of exact length");
  app.add_option("--ids-low", s.ids_low, "least token id [1000]")->check(CLI::Range(0, 1 << 30));
  app.add_option("--ids-high", s.ids_high, "first token id past the last [30000]")
      ->check(CLI::Range(1, 1 << 30));
  ids->excludes("--chat");
  app.add_option("-p,--prompt", words.prompt, "tokens of a prompt: N, LOW-HIGH or exp:MEAN [200]");
  app.add_option("-n,--output", words.output, "tokens of an answer, likewise [64]");
  app.add_option("--prefix", s.prefix, "tokens that all prompts begin with [0]")
      ->check(CLI::Range(0, 1 << 20));
  app.add_option("--seed", s.seed, "of arrivals, lengths and prompts [1]");
  app.add_option("--prefix-seed", s.prefix_seed, "of the prefix [1]");
  app.add_option("--temperature", s.temperature, "of the sampler [0]")->check(CLI::Range(0.0, 2.0));
  auto* rate = app.add_option("--rate", s.rate, "arrivals per second, Poisson")
                   ->check(CLI::Range(1e-6, 1e6));
  app.add_option("--users", s.users, "instead: so many at once, each asking again [1]")
      ->check(CLI::Range(1, 60000))
      ->excludes(rate);
  app.add_option("--requests", s.requests, "in all [100]")->check(CLI::Range(1, 10'000'000));
  app.add_option("--duration", s.duration_s, "no request begins after so many seconds")
      ->check(CLI::Range(0.001, 1e6));
  app.add_option("--disconnect", s.leave, "part of the clients that leave early [0]")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--disconnect-within", s.leave_within_s,
                 "half of these leave within so many seconds, half after some pieces [2]")
      ->check(CLI::Range(0.0, 1e6));
  app.add_option("--timeout", limits.timeout_s, "seconds of one request [600]")
      ->check(CLI::Range(0.001, 1e6));
  app.add_option("--open-max", limits.open_max, "connections at once [4096]")
      ->check(CLI::Range(1, 60000));
  app.add_option("--goodput", words.goal, "ttft<2,tpot<50ms: what a good answer keeps");
  app.add_option("--json", words.json, "write figures to this file; - is standard output");
  app.add_option("--md", words.markdown, "write a table to this file");
}

Status write(const std::string& path, const std::string& text) {
  if (path == "-") return std::fwrite(text.data(), 1, text.size(), stdout), Status();
  std::ofstream file(path);
  if (!(file << text).flush()) return Error{Code::kIo, fmt::format("{} cannot be written", path)};
  return {};
}

Status measure(const Words& words, Settings& settings, const Limits& limits) {
  HANDMILL_TRY(const Target target, read_target(words.url));
  HANDMILL_TRY(settings.prompt, read_length(words.prompt));
  HANDMILL_TRY(settings.output, read_length(words.output));
  HANDMILL_TRY(const Goal goal, read_goal(words.goal));
  if (settings.ids_high <= settings.ids_low)
    return Error{Code::kInvalid, "--ids-high must be above --ids-low"};
  HANDMILL_TRY(const Run all, run(target, settings, limits));
  const Summary summary = summarize(all.outcomes, goal, all.peak_open);
  if (words.json != "-") fmt::print("{}", as_table(summary, goal));
  if (!words.json.empty()) HANDMILL_OK(write(words.json, as_json(summary, goal)));
  if (!words.markdown.empty()) HANDMILL_OK(write(words.markdown, as_markdown(summary, goal)));
  return {};
}

}  // namespace
}  // namespace handmill::load

int main(int argc, char** argv) {
  using namespace handmill::load;
  CLI::App app("Asks a server on this machine for streamed answers, and times every piece.",
               "load");
  Words words;
  Settings settings;
  Limits limits;
  add_options(app, words, settings, limits);
  CLI11_PARSE(app, argc, argv);
  if (const handmill::Status status = measure(words, settings, limits); !status.ok()) {
    fmt::print(stderr, "load: {}\n", status.error().message);
    return 1;
  }
  return 0;
}
