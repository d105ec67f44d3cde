#include "cli/bench_measure.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

#include "base/error.h"

namespace handmill::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

std::string BenchTest::name() const { return fmt::format("{}{}", prefill ? "pp" : "tg", tokens); }

int64_t BenchTest::positions_needed() const {
  // Whole blocks for every sequence, and one to spare for the token after the last.
  const int64_t each = int64_t{depth} + tokens + 2 * backend::kKvBlock;
  return each * batch;
}

Spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return {(values[(n - 1) / 2] + values[n / 2]) / 2, values.front(), values.back()};
}

/// What happened between submit and the last event of a few requests that began together.
struct Bench::Run {
  struct Sequence {
    int tokens = 0;
    engine::Timings timings;
    bool finished = false;
    std::string error;
  };
  std::vector<Sequence> sequences;
  Clock::time_point start, all_began, first_ended;
  int began = 0;
  int64_t decoded = 0;  // tokens between all_began and first_ended
  bool ended = false;

  void on_event(size_t index, const engine::Event& event) {
    Sequence& sequence = sequences[index];
    const auto now = Clock::now();
    if (event.token != text::kNoToken) {
      const bool counted = began == static_cast<int>(sequences.size()) && !ended;
      if (counted) ++decoded;
      if (sequence.tokens++ == 0 && ++began == static_cast<int>(sequences.size())) all_began = now;
    }
    if (!event.finish) return;
    sequence.finished = true;
    sequence.timings = event.timings;
    if (*event.finish != engine::Finish::kLength)
      sequence.error = fmt::format("a request ended with \"{}\" {}",
                                   engine::finish_name(*event.finish), event.error);
    if (!ended) first_ended = now;
    ended = true;
  }
};

Bench::Bench(engine::Engine& engine) : engine_(engine) {
  const auto tokenizer = engine.tokenizer();
  for (text::Token token = 0; token < tokenizer->vocab_size(); ++token)
    if (!tokenizer->is_control(token) && !tokenizer->is_end(token)) pool_.push_back(token);
}

Bench::Tokens Bench::random_tokens(int count) {
  Tokens tokens;
  for (int i = 0; i < count; ++i) {
    // splitmix64 (Steele, Lea, Flood 2014)
    uint64_t z = random_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    tokens.push_back(pool_[(z ^ (z >> 31)) % pool_.size()]);
  }
  return tokens;
}

Result<Bench::Run> Bench::run_all(const std::vector<Tokens>& prompts, int max_tokens) {
  Run run;
  run.sequences.resize(prompts.size());
  run.start = Clock::now();
  for (size_t i = 0; i < prompts.size(); ++i) {
    engine::Request request;
    request.prompt = prompts[i];
    request.sampling.temperature = 0;
    request.max_tokens = max_tokens;
    request.ignore_end = true;
    auto id = engine_.submit(std::move(request),
                             [&run, i](const engine::Event& event) { run.on_event(i, event); });
    if (!id.ok()) {
      engine_.drain();  // what was taken before still refers to `run`
      return std::move(id).error();
    }
  }
  engine_.drain();
  for (const Run::Sequence& sequence : run.sequences) {
    if (!sequence.finished) return base::invalid("a request never ended");
    if (!sequence.error.empty()) return base::invalid("{}", sequence.error);
  }
  return run;
}

Status Bench::fill(const std::vector<Tokens>& contexts) {
  for (const Tokens& context : contexts) {
    if (context.empty()) continue;
    HANDMILL_TRY(const Run run, run_all({context}, 1));
  }
  return {};
}

Result<double> Bench::prefill_once(const std::vector<Tokens>& contexts, int tokens) {
  std::vector<Tokens> prompts = contexts;
  for (Tokens& prompt : prompts) {
    const Tokens more = random_tokens(tokens);
    prompt.insert(prompt.end(), more.begin(), more.end());
  }
  HANDMILL_TRY(const Run run, run_all(prompts, 1));
  int64_t computed = 0;
  for (size_t i = 0; i < prompts.size(); ++i) {
    const engine::Timings& timings = run.sequences[i].timings;
    const int context = static_cast<int>(contexts[i].size());
    // Only whole blocks are found again: what is left of the last one is computed, and counted.
    if (timings.cached_tokens > context || timings.cached_tokens <= context - 2 * backend::kKvBlock)
      return base::invalid("{} tokens came from the cache where {} were put in",
                           timings.cached_tokens, context);
    computed += timings.prompt_tokens - timings.cached_tokens;
  }
  return static_cast<double>(computed) / seconds(run.all_began - run.start);
}

Result<double> Bench::decode_once(const std::vector<Tokens>& contexts, int tokens) {
  std::vector<Tokens> prompts = contexts;
  for (Tokens& prompt : prompts)
    if (prompt.empty()) prompt = random_tokens(1);
  // The first token belongs to the prefill; the others are decode steps.
  HANDMILL_TRY(const Run run, run_all(prompts, tokens + 1));
  const double elapsed = seconds(run.first_ended - run.all_began);
  if (run.decoded < 1 || elapsed <= 0)
    return base::invalid("tg{}: too short beside the {} prompts before it; use a larger -n", tokens,
                         prompts.size());
  return static_cast<double>(run.decoded) / elapsed;
}

Result<std::vector<double>> Bench::measure(const BenchTest& test, int repeats) {
  constexpr int kWarmUpTokens = 8;
  if (pool_.empty())
    return base::unsupported("there is nothing to measure with: every token is a control token");
  engine_.clear_cache();
  std::vector<Tokens> contexts(static_cast<size_t>(test.batch));
  for (Tokens& context : contexts) context = random_tokens(test.depth);
  HANDMILL_OK(fill(contexts));
  std::vector<double> speeds;
  for (int i = -1; i < repeats; ++i) {
    const int tokens = i < 0 && !test.prefill ? std::min(test.tokens, kWarmUpTokens) : test.tokens;
    HANDMILL_TRY(const double speed,
                 test.prefill ? prefill_once(contexts, tokens) : decode_once(contexts, tokens));
    if (i >= 0) speeds.push_back(speed);  // the first is the warm-up
  }
  return speeds;
}

}  // namespace handmill::cli
