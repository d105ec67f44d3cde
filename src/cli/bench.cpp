// handmill bench: the speed of prefill and decode over lists of lengths, depths, batches and
// threads, and of requests as they are made in scenarios.
#include <algorithm>
#include <climits>
#include <cstdlib>
#include <optional>

#include "base/error.h"
#include "cli/bench_output.h"
#include "cli/bench_report.h"
#include "cli/bench_runs.h"
#include "cli/command.h"
#include "cli/follow.h"
#include "cli/output_file.h"
#include "cli/server_bench.h"
#include "cli/session.h"
#include "cli/utf8.h"
#include "cli/wrap.h"
#include "measure/bench_page.h"
#include "measure/scenario_bench.h"
#include "measure/speed_bench.h"
#include "model/model.h"

namespace handmill::cli {
namespace {

using measure::BenchRecord;
using measure::BenchTest;

struct BenchOptions {
  std::string model;
  std::vector<int> prefill, decode;  // both empty: what is usual, unless there are scenarios
  std::vector<int> depth = {0};
  std::vector<int> batch = {1};
  std::vector<int> threads = {0};
  std::vector<std::string> scenarios;
  measure::Goal goal;
  int context = 0;             // of scenarios; 0: as far as they go
  std::optional<int> repeats;  // nothing: as many as it takes
  double tight_percent = 2;
  int most = 20;
  int budget_s = 120;
  std::string kv = "f16";
  SpeculationFlags speculation{"off", ""};  // answers to random prompts loop, which flatters it
  GpuFlags gpu;
  std::string output = "table";
  std::string url, key_variable;  // of a server instead of the engine; the key's variable
  std::string html;               // a page's file; empty: none
  bool markdown = false, csv = false, jsonl = false, json = false;

  std::string format() const {
    return json ? "record" : jsonl ? "jsonl" : csv ? "csv" : markdown ? "markdown" : output;
  }
};

constexpr int kMostTokens = 1 << 22;
constexpr int kMostBatch = 1024;
constexpr int kMostRepeats = 1000;

Status check_list(const char* flag, const std::vector<int>& values, int low, int high) {
  for (const int value : values)
    if (value < low || value > high)
      return base::invalid("{}: {} is not between {} and {}", flag, value, low, high);
  return {};
}

struct Plan {
  std::vector<BenchTest> speeds;
  std::vector<measure::Scenario> scenarios;
};

/// Every combination of lengths; a length of 0 leaves its kind out.
std::vector<BenchTest> speed_tests(const BenchOptions& options) {
  const bool usual = options.prefill.empty() && options.decode.empty() && options.scenarios.empty();
  const bool one = !options.prefill.empty() || !options.decode.empty();
  const auto lengths = [&](const std::vector<int>& given, int length) {
    return given.empty() && (usual || one) ? std::vector<int>{length} : given;
  };
  std::vector<BenchTest> tests;
  for (const int depth : options.depth)
    for (const int batch : options.batch) {
      for (const int tokens : lengths(options.prefill, 512))
        if (tokens > 0) tests.push_back(measure::speed_test(true, tokens, depth, batch));
      for (const int tokens : lengths(options.decode, 128))
        if (tokens > 0) tests.push_back(measure::speed_test(false, tokens, depth, batch));
    }
  return tests;
}

/// The longest document with its answer, unless the user wants more or the model has less.
constexpr int kScenarioContext = 8192 + 128;

Result<Plan> make_plan(const BenchOptions& options, const gguf::File& file) {
  Plan plan;
  plan.speeds = speed_tests(options);
  if (options.scenarios.empty()) return plan;
  HANDMILL_TRY(const model::Config config, model::read_config(file));
  const int wanted = options.context > 0 ? options.context : kScenarioContext;
  HANDMILL_TRY(plan.scenarios,
               measure::make_scenarios(options.scenarios, std::min(wanted, config.context)));
  return plan;
}

Status check_server(const BenchOptions& options) {
  if (!options.prefill.empty() || !options.decode.empty())
    return base::invalid("--url measures whole requests: --scenario, not -p and -n");
  if (std::ranges::find(options.scenarios, "depths") != options.scenarios.end())
    return base::invalid("--url: what a server has in its cache is not ours to say: not depths");
  return {};
}

Status check(const BenchOptions& options) {
  HANDMILL_OK(check_list("-p", options.prefill, 0, kMostTokens));
  HANDMILL_OK(check_list("-n", options.decode, 0, kMostTokens));
  HANDMILL_OK(check_list("-d", options.depth, 0, kMostTokens));
  HANDMILL_OK(check_list("--batch", options.batch, 1, kMostBatch));
  if (!options.url.empty()) HANDMILL_OK(check_server(options));
  if (options.repeats) HANDMILL_OK(check_list("-r", {*options.repeats}, 1, kMostRepeats));
  HANDMILL_OK(check_list("--most", {options.most}, 1, kMostRepeats));
  HANDMILL_OK(check_list("--budget", {options.budget_s}, 1, 1 << 20));
  for (const int threads : options.threads) HANDMILL_OK(check_threads(threads));
  HANDMILL_OK(check_list("--context", {options.context}, 0, kMostTokens));
  if (!options.scenarios.empty()) {
    HANDMILL_TRY(const auto known, measure::make_scenarios(options.scenarios, kMostTokens));
    return {};
  }
  if (!speed_tests(options).empty()) return {};
  return base::invalid("there is nothing to measure: -p and -n are 0");
}

Result<engine::Options> options_for(const Plan& plan, const BenchOptions& flags, int threads) {
  std::vector<BenchTest> tests = plan.speeds;
  for (const measure::Scenario& scenario : plan.scenarios)
    tests.insert(tests.end(), scenario.begin(), scenario.end());
  HANDMILL_TRY(engine::Options options,
               engine_options({threads, 0, flags.kv, flags.speculation, flags.gpu}));
  int64_t context = 0;
  for (const BenchTest& test : tests) {
    context = std::max(context, test.positions_needed());
    options.max_sequences = std::max(options.max_sequences, test.batch);
  }
  if (context > INT_MAX) return base::limit("these tests need {} tokens of context", context);
  options.context = static_cast<int>(context);
  return options;
}

measure::Repeats repeats_of(const BenchOptions& options) {
  return {options.repeats.value_or(0), options.tight_percent / 100, options.most,
          static_cast<double>(options.budget_s)};
}

/// All tests with one engine.
Status measure_all(const Plan& plan, const BenchOptions& options, engine::Engine& engine,
                   const std::string& model, BenchRuns& runs, BenchOutput& output) {
  const measure::Repeats repeats = repeats_of(options);
  const auto add = [&](measure::BenchResult result) {
    result.model = valid_utf8(model);
    result.kv = options.kv;
    output.add(std::move(result));
  };
  measure::SpeedBench speeds(engine);
  for (const BenchTest& test : plan.speeds) {
    BenchProgress progress;
    runs.begin(test);
    auto result = speeds.measure(test, repeats, [&](int done) { progress.show(test, done); });
    runs.end(result.ok() ? &*result : nullptr);
    progress.clear();
    if (!result.ok()) return std::move(result).error();
    add(*std::move(result));
  }
  measure::ScenarioBench requests(engine);
  for (const measure::Scenario& scenario : plan.scenarios) {
    BenchProgress progress;
    auto results = requests.measure(scenario, repeats, options.goal,
                                    [&](int done) { progress.show(scenario.front(), done); });
    progress.clear();
    if (!results.ok()) return std::move(results).error();
    for (measure::BenchResult& result : *results) add(std::move(result));
  }
  return {};
}

/// What the chosen tests say of a server.
Status measure_server(const BenchOptions& options, BenchRecord& record, BenchOutput& output) {
  Server server{options.url, options.model, ""};
  while (server.url.ends_with('/')) server.url.pop_back();
  if (!options.key_variable.empty()) {
    const char* key = std::getenv(options.key_variable.c_str());
    if (key == nullptr) return base::invalid("--api-key-env: {} is not set", options.key_variable);
    server.key = key;
  }
  if (server.model.empty()) {
    HANDMILL_TRY(server.model, first_model(server));
  }
  record.environment.target = server.url;
  std::vector<std::string> names = options.scenarios;
  if (names.empty()) names = {"chat"};
  HANDMILL_TRY(
      const auto scenarios,
      measure::make_scenarios(names, options.context > 0 ? options.context : kScenarioContext));
  ServerBench bench(server);
  for (const measure::Scenario& scenario : scenarios) {
    BenchProgress progress;
    auto results = bench.measure(scenario, repeats_of(options), options.goal,
                                 [&](int done) { progress.show(scenario.front(), done); });
    progress.clear();
    if (!results.ok()) return std::move(results).error();
    for (measure::BenchResult& result : *results) {
      result.model = valid_utf8(server.model);
      output.add(std::move(result));
    }
  }
  return {};
}

Result<int> finish(const BenchOptions& options, const BenchRecord& record, BenchOutput& output) {
  output.finish();
  if (!options.html.empty()) HANDMILL_OK(write_file(options.html, measure::bench_page(record)));
  return kExitOk;
}

Result<int> bench(const BenchOptions& options) {
  BenchRecord record;
  HANDMILL_TRY(record.environment, measure::read_environment(HANDMILL_VERSION));
  record.tight = repeats_of(options).tight;
  record.goal = options.goal;
  if (!options.url.empty()) {
    BenchOutput output(options.format(), record);
    HANDMILL_OK(measure_server(options, record, output));
    return finish(options, record, output);
  }
  HANDMILL_TRY(const ModelFile model, find_model(options.model));
  HANDMILL_TRY(const auto file, open_file(model));
  HANDMILL_TRY(const Plan plan, make_plan(options, *file));
  record.environment.speculate = options.speculation.how;
  record.environment.model_bytes = file->bytes();
  BenchOutput output(options.format(), record);
  for (const int threads : options.threads) {
    HANDMILL_TRY(const engine::Options settings, options_for(plan, options, threads));
    HANDMILL_TRY(const auto engine, open_engine(model, file, settings));
    BenchRuns runs(model.name, *file, settings, *engine);
    HANDMILL_OK(measure_all(plan, options, *engine, model.name, runs, output));
  }
  return finish(options, record, output);
}

void declare_repeats(Args& args, BenchOptions& options) {
  args.group("Repeats");
  args.option("-r,--repeats", "N", options.repeats,
              "Measure each N times, after a warm-up [as often as --tight takes]");
  args.option(
      "--tight", "PERCENT",
      [&options](const std::vector<std::string>& values) -> Status {
        HANDMILL_TRY(options.tight_percent, parse_number(values.back()));
        if (options.tight_percent > 0 && options.tight_percent <= 100) return {};
        return base::invalid("{} is not above 0 and up to 100", values.back());
      },
      "Repeat until the 95 % interval of the median is within so much of it [2]");
  args.option("--most", "N", options.most, "But at most N times [20]");
  args.option("--budget", "S", options.budget_s,
              "And begin no repeat of a test after S seconds of it [120]");
}

void declare_output(Args& args, BenchOptions& options) {
  args.group("Output");
  args.choice("-o,--output", {"table", "json", "csv"}, options.output,
              "How to print the results; json is the list of the results alone [table]");
  args.flag("--md", options.markdown, "A table in Markdown");
  args.flag("--csv", options.csv, "Comma-separated values, with a header");
  args.flag("--jsonl", options.jsonl, "A JSON object a line for each result");
  args.flag("--json", options.json,
            "The whole record: results with every repeat, definitions, machine, noise");
  args.option("--html", "FILE", options.html, "Write a page with plots there too");
  args.check([&options]() -> Status {
    if (options.markdown + options.csv + options.jsonl + options.json <= 1) return {};
    return base::invalid("--md, --csv, --jsonl and --json are different outputs; choose one");
  });
}

void declare_scenarios(Args& args, BenchOptions& options) {
  args.group("Scenarios");
  args.option(
      "--scenario", "NAME,…",
      [&options](const std::vector<std::string>& values) -> Status {
        options.scenarios = split_commas(values.back());
        if (values.back() != "all") return {};
        options.scenarios.clear();
        for (const measure::ScenarioKind& kind : measure::scenario_kinds())
          options.scenarios.emplace_back(kind.name);
        return {};
      },
      "Measure whole requests: chat, document, turns, depths, batches, or all; prefill and decode "
      "alone then only with -p or -n");
  args.option("-c,--context", "N", options.context,
              "How far document and depths go [8320, or the model's own context]");
  args.option(
      "--slo", "GOAL,…",
      [&options](const std::vector<std::string>& values) -> Status {
        HANDMILL_TRY(options.goal, measure::read_goal(values.back()));
        return {};
      },
      "What a request must keep: ttft=1s, tpot=100ms, e2e=1m, tg=10 [tg=10, the line of "
      "conversation]");
  std::string note = "Scenarios:\n";
  for (const measure::ScenarioKind& kind : measure::scenario_kinds())
    note += wrap_entry(kind.name, kind.what, 12, kHelpWidth);
  note.pop_back();
  args.note(note);
}

}  // namespace

Action declare_bench(Args& args) {
  auto options = std::make_shared<BenchOptions>();
  declare_model(args, options->model);
  args.option("-p,--prefill", "N,…", options->prefill,
              "Prompt lengths; 0 leaves prefill out [512]");
  args.option("-n,--decode", "N,…", options->decode, "Answer lengths; 0 leaves decode out [128]");
  args.option("-d,--depth", "N,…", options->depth,
              "Tokens that are in the cache before, not timed [0]");
  args.option("--batch", "N,…", options->batch,
              "Sequences at once; the speed is that of all together [1]");
  declare_scenarios(args, *options);
  declare_repeats(args, *options);
  declare_output(args, *options);
  args.group("Server");
  args.option("--url", "URL", options->url,
              "Measure a server of OpenAI's chat completions instead of the engine; MODEL is as it "
              "calls it [the first that it lists]");
  args.option("--api-key-env", "NAME", options->key_variable,
              "The environment variable that holds its key [none is sent]");
  args.group("Engine");
  args.option("-t,--threads", "N,…", options->threads,
              "Compute with N threads [as many as this process may use]");
  declare_kv(args, options->kv);
  declare_speculation(args, options->speculation);
  declare_gpu(args, options->gpu);
  args.check([options] { return check(*options); });
  args.note(
      "pp512 is the prefill of 512 tokens, tg128 the decode of 128; both in tokens per second,\n"
      "with the median, the lowest and the highest of the repeats. Each is measured, after a run\n"
      "that is not counted, until its median is known well enough; what cannot be known so well "
      "is\n"
      "told as noisy. Every repeat is held against two roofs of this machine, measured in the "
      "same\n"
      "process before and after it and every half second between; the table shows the nearer one.");
  args.note(bench_figures_text());
  args.note(kGpuNote);
  args.note(kLedgerNote);
  args.note(
      "Examples:\n"
      "  handmill bench\n"
      "  handmill bench -p 128,512 -n 64 -d 0,4096 -t 2 -o json\n"
      "  handmill bench -p 0 -n 128 --batch 1,4,16\n"
      "  handmill bench --scenario chat,turns --slo ttft=1s,tg=10\n"
      "  handmill bench --json > today.json\n"
      "  handmill bench --url http://127.0.0.1:11435/v1 --scenario chat,turns");
  return [options] { return bench(*options); };
}

}  // namespace handmill::cli
