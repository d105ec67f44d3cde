#include "measure/bench.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

#include "base/error.h"

namespace handmill::measure {
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

/// A few requests that began together, and what was measured of them.
struct Bench::Run {
  struct Sequence {
    int tokens = 0;
    engine::Timings timings;
    bool finished = false;
    std::string error;
  };
  std::vector<Sequence> sequences;
  size_t began = 0;  // sequences with a token
  size_t ended = 0;
  int64_t tokens = 0;  // of all
  bool open = false;   // the time runs
  BenchSample sample;  // while it runs, tokens and work are those before it

  void on_event(size_t index, const engine::Event& event) {
    Sequence& sequence = sequences[index];
    if (event.token != text::kNoToken) {
      ++tokens;
      if (sequence.tokens++ == 0) ++began;
    }
    if (!event.finish) return;
    ++ended;
    sequence.finished = true;
    sequence.timings = event.timings;
    if (*event.finish != engine::Finish::kLength)
      sequence.error = fmt::format("a request ended with \"{}\" {}",
                                   engine::finish_name(*event.finish), event.error);
  }

  bool all_began() const { return began == sequences.size(); }

  Status begin(engine::Engine& engine) {
    HANDMILL_OK(add_roofs(engine));
    sample.tokens = tokens;
    sample.work = engine.work();
    open = true;
    return {};
  }
  Status end(engine::Engine& engine) {
    sample.tokens = tokens - sample.tokens;
    sample.work = engine.work() - sample.work;
    open = false;
    HANDMILL_OK(add_roofs(engine));
    sample.roofs.read_bytes_s /= roofs;
    sample.roofs.int8_ops_s /= roofs;
    return {};
  }
  Status add_roofs(engine::Engine& engine) {
    if (roofs > 0) sample.seconds += seconds(Clock::now() - since);
    HANDMILL_TRY(const backend::Roofs now, engine.measure_roofs());
    sample.roofs.read_bytes_s += now.read_bytes_s;
    sample.roofs.int8_ops_s += now.int8_ops_s;
    ++roofs;
    since = Clock::now();
    return {};
  }

  int roofs = 0;            // how often they were measured
  Clock::time_point since;  // the last time
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

Status Bench::submit_all(const std::vector<Tokens>& prompts, int max_tokens, Run& run) {
  run.sequences.resize(prompts.size());
  for (size_t i = 0; i < prompts.size(); ++i) {
    engine::Request request;
    request.prompt = prompts[i];
    request.sampling.temperature = 0;
    request.max_tokens = max_tokens;
    request.ignore_end = true;
    HANDMILL_TRY(const auto id, engine_.submit(std::move(request), [&run, i](const auto& event) {
      run.on_event(i, event);
    }));
    static_cast<void>(id);
  }
  return {};
}

Status Bench::drain(Run& run, Timed timed) {
  constexpr std::chrono::milliseconds kRoofsEvery{500};
  bool done = timed == Timed::kNothing;
  if (timed == Timed::kPrefill) HANDMILL_OK(run.begin(engine_));
  while (engine_.step()) {
    if (done) continue;
    if (!run.open) {
      done = run.all_began() && run.ended > 0;  // too late to time anything
      if (run.all_began() && !done) HANDMILL_OK(run.begin(engine_));
    } else if (timed == Timed::kPrefill ? run.all_began() : run.ended > 0) {
      HANDMILL_OK(run.end(engine_));
      done = true;
    } else if (Clock::now() - run.since > kRoofsEvery) {
      HANDMILL_OK(run.add_roofs(engine_));
    }
  }
  return {};
}

Result<Bench::Run> Bench::run_all(const std::vector<Tokens>& prompts, int max_tokens, Timed timed) {
  Run run;
  Status ran = submit_all(prompts, max_tokens, run);
  if (ran.ok()) ran = drain(run, timed);
  engine_.drain();  // what an error left still refers to `run`
  HANDMILL_OK(ran);
  for (const Run::Sequence& sequence : run.sequences) {
    if (!sequence.finished) return base::invalid("a request never ended");
    if (!sequence.error.empty()) return base::invalid("{}", sequence.error);
  }
  return run;
}

Status Bench::fill(const std::vector<Tokens>& contexts) {
  for (const Tokens& context : contexts) {
    if (context.empty()) continue;
    HANDMILL_TRY(const Run run, run_all({context}, 1, Timed::kNothing));
  }
  return {};
}

Result<BenchSample> Bench::prefill_once(const std::vector<Tokens>& contexts, int tokens) {
  std::vector<Tokens> prompts = contexts;
  for (Tokens& prompt : prompts) {
    const Tokens more = random_tokens(tokens);
    prompt.insert(prompt.end(), more.begin(), more.end());
  }
  HANDMILL_TRY(Run run, run_all(prompts, 1, Timed::kPrefill));
  run.sample.tokens = 0;
  for (size_t i = 0; i < prompts.size(); ++i) {
    const engine::Timings& timings = run.sequences[i].timings;
    const int context = static_cast<int>(contexts[i].size());
    // Only whole blocks are found again: what is left of the last one is computed, and counted.
    if (timings.cached_tokens > context || timings.cached_tokens <= context - 2 * backend::kKvBlock)
      return base::invalid("{} tokens came from the cache where {} were put in",
                           timings.cached_tokens, context);
    run.sample.tokens += timings.prompt_tokens - timings.cached_tokens;
  }
  return run.sample;
}

Result<BenchSample> Bench::decode_once(const std::vector<Tokens>& contexts, int tokens) {
  std::vector<Tokens> prompts = contexts;
  for (Tokens& prompt : prompts)
    if (prompt.empty()) prompt = random_tokens(1);
  // The first token belongs to the prefill; the others are decode steps.
  HANDMILL_TRY(const Run run, run_all(prompts, tokens + 1, Timed::kDecode));
  if (run.sample.tokens < 1)
    return base::invalid("tg{}: too short beside the {} prompts before it; use a larger -n", tokens,
                         prompts.size());
  return run.sample;
}

Result<std::vector<BenchSample>> Bench::measure(const BenchTest& test, int repeats) {
  constexpr int kWarmUpTokens = 8;
  if (pool_.empty())
    return base::unsupported("there is nothing to measure with: every token is a control token");
  engine_.clear_cache();
  std::vector<Tokens> contexts(static_cast<size_t>(test.batch));
  for (Tokens& context : contexts) context = random_tokens(test.depth);
  HANDMILL_OK(fill(contexts));
  std::vector<BenchSample> samples;
  for (int i = -1; i < repeats; ++i) {
    const int tokens = i < 0 && !test.prefill ? std::min(test.tokens, kWarmUpTokens) : test.tokens;
    HANDMILL_TRY(const BenchSample sample,
                 test.prefill ? prefill_once(contexts, tokens) : decode_once(contexts, tokens));
    if (i >= 0) samples.push_back(sample);  // the first is the warm-up
  }
  return samples;
}

}  // namespace handmill::measure
