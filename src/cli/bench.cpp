// handmill bench: the speed of prefill and decode, over lists of lengths, depths, batches, threads.
#include "measure/bench.h"

#include <algorithm>
#include <climits>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/bench_report.h"
#include "cli/command.h"
#include "cli/session.h"
#include "cli/terminal.h"

namespace handmill::cli {
namespace {

using measure::BenchTest;

struct BenchOptions {
  std::string model;
  std::vector<int> prefill = {512};
  std::vector<int> decode = {128};
  std::vector<int> depth = {0};
  std::vector<int> batch = {1};
  std::vector<int> threads = {0};
  int repeats = 5;
  std::string kv = "f16";
  SpeculationFlags speculation{"off", ""};  // answers to random prompts loop, which flatters it
  std::string output = "table";
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

/// Every combination; a length of 0 leaves its kind out.
std::vector<BenchTest> make_tests(const BenchOptions& options) {
  std::vector<BenchTest> tests;
  for (const int depth : options.depth)
    for (const int batch : options.batch) {
      for (const int tokens : options.prefill)
        if (tokens > 0) tests.push_back({true, tokens, depth, batch});
      for (const int tokens : options.decode)
        if (tokens > 0) tests.push_back({false, tokens, depth, batch});
    }
  return tests;
}

Status check(const BenchOptions& options) {
  HANDMILL_OK(check_list("-p", options.prefill, 0, kMostTokens));
  HANDMILL_OK(check_list("-n", options.decode, 0, kMostTokens));
  HANDMILL_OK(check_list("-d", options.depth, 0, kMostTokens));
  HANDMILL_OK(check_list("--batch", options.batch, 1, kMostBatch));
  HANDMILL_OK(check_list("-r", {options.repeats}, 1, kMostRepeats));
  for (const int threads : options.threads) HANDMILL_OK(check_threads(threads));
  if (!make_tests(options).empty()) return {};
  return base::invalid("there is nothing to measure: -p and -n are 0");
}

Result<engine::Options> options_for(const std::vector<BenchTest>& tests, const BenchOptions& flags,
                                    int threads) {
  HANDMILL_TRY(engine::Options options, engine_options({threads, 0, flags.kv, flags.speculation}));
  int64_t context = 0;
  for (const BenchTest& test : tests) {
    context = std::max(context, test.positions_needed());
    options.max_sequences = std::max(options.max_sequences, test.batch);
  }
  if (context > INT_MAX) return base::limit("these tests need {} tokens of context", context);
  options.context = static_cast<int>(context);
  return options;
}

void show_progress(const BenchTest& test) {
  if (!terminal::has_style(STDERR_FILENO)) return;
  fmt::print(stderr, "{}measuring {} at depth {}, batch {} …", terminal::kClearLine, test.name(),
             test.depth, test.batch);
}

void clear_progress() {
  if (terminal::has_style(STDERR_FILENO)) fmt::print(stderr, "{}", terminal::kClearLine);
}

Result<int> bench(const BenchOptions& options) {
  const std::vector<BenchTest> tests = make_tests(options);
  HANDMILL_TRY(const ModelFile model, find_model(options.model));
  HANDMILL_TRY(const auto file, open_file(model));
  std::vector<BenchResult> results;
  for (const int threads : options.threads) {
    HANDMILL_TRY(const engine::Options settings, options_for(tests, options, threads));
    HANDMILL_TRY(const auto engine, open_engine(model, file, settings));
    measure::Bench bench(*engine);
    for (const BenchTest& test : tests) {
      show_progress(test);
      auto samples = bench.measure(test, options.repeats);
      clear_progress();
      if (!samples.ok()) return std::move(samples).error();
      results.push_back({test, engine->threads(), options.repeats, std::move(*samples), model.name,
                         options.kv, engine->description()});
      if (options.output != "table") continue;
      if (results.size() == 1)
        fmt::print("{}\n{}", engine->description(), bench_table_head(results[0]));
      fmt::print("{}", bench_table_row(results.back()));
      std::fflush(stdout);
    }
  }
  if (options.output == "json") fmt::print("{}", bench_json(results));
  if (options.output == "csv") fmt::print("{}", bench_csv(results));
  return kExitOk;
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
  args.option("-r,--repeats", "N", options->repeats, "Measure each N times, after a warm-up [5]");
  args.choice("-o,--output", {"table", "json", "csv"}, options->output,
              "How to print the results [table]");
  args.group("Engine");
  args.option("-t,--threads", "N,…", options->threads,
              "Compute with N threads [as many as this process may use]");
  declare_kv(args, options->kv);
  declare_speculation(args, options->speculation);
  args.check([options] { return check(*options); });
  args.note(
      "pp512 is the prefill of 512 tokens, tg128 the decode of 128; both in tokens per second,\n"
      "with the median, the lowest and the highest of the repeats.");
  args.note(kBenchFigures);
  args.note(
      "Examples:\n"
      "  handmill bench\n"
      "  handmill bench -p 128,512 -n 64 -d 0,4096 -t 2 -o json\n"
      "  handmill bench -p 0 -n 128 --batch 1,4,16");
  return [options] { return bench(*options); };
}

}  // namespace handmill::cli
