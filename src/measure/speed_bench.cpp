#include "measure/speed_bench.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

#include "base/error.h"

namespace handmill::measure {
namespace {

using Clock = std::chrono::steady_clock;

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

BenchResult result_of(const BenchTest& test, const std::vector<SpeedSample>& samples) {
  BenchResult result;
  result.test = test;
  model::Work work;
  int64_t tokens = 0;
  for (const SpeedSample& sample : samples) {
    result.add("tok_s", sample.tok_s());
    result.add("read_bytes_s", sample.roofs.read_bytes_s);
    result.add("int8_ops_s", sample.roofs.int8_ops_s);
    result.add("of_read_roof", sample.of_read_roof());
    result.add("of_int8_roof", sample.of_int8_roof());
    work += sample.work;
    tokens += sample.tokens;
  }
  const auto each = [&](uint64_t amount) {
    return static_cast<double>(amount) / static_cast<double>(tokens);
  };
  result.work = {each(work.bytes()), each(work.kv_bytes), each(work.ops()),
                 each(work.attention_ops)};
  return result;
}

/// A few requests that began together, and what was measured of them.
struct SpeedBench::Run {
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
  SpeedSample sample;  // while it runs, tokens and work are those before it

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

SpeedBench::SpeedBench(engine::Engine& engine) : engine_(engine), tokens_(*engine.tokenizer()) {}

Status SpeedBench::submit_all(const std::vector<Tokens>& prompts, int max_tokens, Run& run) {
  run.sequences.resize(prompts.size());
  for (size_t i = 0; i < prompts.size(); ++i) {
    engine::Request request = bench_request(prompts[i], max_tokens);
    HANDMILL_TRY(const auto id, engine_.submit(std::move(request), [&run, i](const auto& event) {
      run.on_event(i, event);
    }));
    static_cast<void>(id);
  }
  return {};
}

Status SpeedBench::drain(Run& run, Timed timed) {
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

Result<SpeedBench::Run> SpeedBench::run_all(const std::vector<Tokens>& prompts, int max_tokens,
                                            Timed timed) {
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

Status SpeedBench::fill(const std::vector<Tokens>& contexts) {
  for (const Tokens& context : contexts) {
    if (context.empty()) continue;
    HANDMILL_TRY(const Run run, run_all({context}, 1, Timed::kNothing));
  }
  return {};
}

Result<SpeedSample> SpeedBench::prefill_once(const std::vector<Tokens>& contexts, int tokens) {
  std::vector<Tokens> prompts = contexts;
  for (Tokens& prompt : prompts) {
    const Tokens more = tokens_.draw(tokens);
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

Result<SpeedSample> SpeedBench::decode_once(const std::vector<Tokens>& contexts, int tokens) {
  std::vector<Tokens> prompts = contexts;
  for (Tokens& prompt : prompts)
    if (prompt.empty()) prompt = tokens_.draw(1);
  // The first token belongs to the prefill; the others are decode steps.
  HANDMILL_TRY(const Run run, run_all(prompts, tokens + 1, Timed::kDecode));
  if (run.sample.tokens < 1)
    return base::invalid("tg{}: too short beside the {} prompts before it; use a larger -n", tokens,
                         prompts.size());
  return run.sample;
}

Result<BenchResult> SpeedBench::measure(const BenchTest& test, const Repeats& repeats,
                                        const OnRepeat& on_repeat) {
  constexpr int kWarmUpTokens = 8;
  if (tokens_.empty())
    return base::unsupported("there is nothing to measure with: every token is a control token");
  engine_.clear_cache();
  std::vector<Tokens> contexts(static_cast<size_t>(test.batch));
  for (Tokens& context : contexts) context = tokens_.draw(test.depth);
  on_repeat(-1);
  HANDMILL_OK(fill(contexts));
  const auto once = [&](int answer) {
    return test.prompt > 0 ? prefill_once(contexts, test.prompt) : decode_once(contexts, answer);
  };
  HANDMILL_TRY(const SpeedSample warm_up, once(std::min(test.answer, kWarmUpTokens)));
  static_cast<void>(warm_up);
  std::vector<SpeedSample> samples;
  BenchResult result;
  const Clock::time_point begin = Clock::now();
  do {
    on_repeat(static_cast<int>(samples.size()));
    HANDMILL_TRY(const SpeedSample sample, once(test.answer));
    samples.push_back(sample);
    result = result_of(test, samples);
  } while (!is_enough(result, seconds(Clock::now() - begin), repeats));
  result.threads = engine_.threads();
  result.backend = engine_.description();
  return result;
}

}  // namespace handmill::measure
