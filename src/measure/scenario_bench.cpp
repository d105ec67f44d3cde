#include "measure/scenario_bench.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

#include "base/error.h"
#include "measure/environment.h"

namespace handmill::measure {
namespace {

using Clock = std::chrono::steady_clock;

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

/// A request under way.
struct Asked {
  RequestRecord record;
  Tokens answer;
  Clock::time_point since;
  bool ended = false;
  std::string error;
};

std::vector<RequestRecord> records_of(const std::vector<Asked>& asked) {
  std::vector<RequestRecord> out;
  for (const Asked& one : asked) out.push_back(one.record);
  return out;
}

/// How fast the machine could have done it.
std::optional<double> roof_tok_s(int64_t tokens, const model::Work& work,
                                 const backend::Roofs& roofs) {
  const double least_s = std::max(static_cast<double>(work.bytes()) / roofs.read_bytes_s,
                                  static_cast<double>(work.ops()) / roofs.int8_ops_s);
  if (tokens <= 0 || !(least_s > 0)) return std::nullopt;
  return static_cast<double>(tokens) / least_s;
}

}  // namespace

/// Requests that were handed over together.
struct ScenarioBench::Round {
  std::vector<Asked> asked;
  size_t began = 0;     // with a token
  size_t ended = 0;     // all of it
  int64_t tokens = 0;   // of all
  model::Work prefill;  // until each had begun
  model::Work decode;   // from there until the first had ended
  int64_t decode_tokens = 0;
  backend::Roofs roofs;

  void on_event(Asked& one, const engine::Event& event) {
    const double at = seconds(Clock::now() - one.since);
    if (event.token != text::kNoToken) {
      if (one.record.piece_s.empty()) ++began;
      one.record.piece_s.push_back(at);
      one.answer.push_back(event.token);
      ++tokens;
    }
    if (!event.finish) return;
    ++ended;
    one.ended = true;
    one.record.end_s = at;
    one.record.prompt_tokens = event.timings.prompt_tokens;
    one.record.cached_tokens = event.timings.cached_tokens;
    one.record.answer_tokens = event.timings.generated_tokens;
    one.record.prefill_s = event.timings.prefill_s;
    if (*event.finish != engine::Finish::kLength)
      one.error = fmt::format("a request ended with \"{}\" {}", engine::finish_name(*event.finish),
                              event.error);
  }

  /// Steps until nothing is left, and notes what lay before and after the begin of all.
  void drain(engine::Engine& engine) {
    const model::Work before = engine.work();
    bool all_began = false, one_ended = false;
    model::Work at_begin;
    int64_t tokens_at_begin = 0;
    while (engine.step()) {
      if (!all_began && began == asked.size()) {
        all_began = true;
        at_begin = engine.work();
        tokens_at_begin = tokens;
        prefill = at_begin - before;
      }
      if (!one_ended && ended > 0) {
        one_ended = true;
        if (!all_began) continue;
        decode = engine.work() - at_begin;
        decode_tokens = tokens - tokens_at_begin;
      }
    }
  }

  void add_to(BenchResult& result) const;
};

void ScenarioBench::Round::add_to(BenchResult& result) const {
  std::vector<RequestRecord> requests = records_of(asked);
  add_run(result, requests);
  const auto each = static_cast<double>(asked.size());
  int64_t computed = 0;
  for (const RequestRecord& one : requests) computed += one.prompt_tokens - one.cached_tokens;
  // Among many, some decode while others are still in prefill.
  if (asked.size() == 1) result.add("pp_roof_tok_s", roof_tok_s(computed, prefill, roofs));
  if (const auto roof = roof_tok_s(decode_tokens, decode, roofs))
    result.add("tg_roof_tok_s", *roof / each);
}

ScenarioBench::ScenarioBench(engine::Engine& engine)
    : engine_(engine), tokens_(*engine.tokenizer()) {
  engine_.clear_cache();
}

Status ScenarioBench::ask(const std::vector<Tokens>& prompts, int answer, Round& round) {
  round.asked.resize(prompts.size());
  for (size_t i = 0; i < prompts.size(); ++i) {
    engine::Request request = bench_request(prompts[i], answer);
    round.asked[i].since = Clock::now();
    HANDMILL_TRY(const auto id, engine_.submit(std::move(request), [&round, i](const auto& event) {
      round.on_event(round.asked[i], event);
    }));
    static_cast<void>(id);
  }
  round.drain(engine_);
  return {};
}

Result<ScenarioBench::Round> ScenarioBench::ask(const std::vector<Tokens>& prompts, int answer) {
  Round round;
  HANDMILL_TRY(const backend::Roofs before, engine_.measure_roofs());
  const Status asked = ask(prompts, answer, round);
  engine_.drain();  // what an error left still refers to `round`
  HANDMILL_OK(asked);
  HANDMILL_TRY(const backend::Roofs after, engine_.measure_roofs());
  round.roofs = {(before.read_bytes_s + after.read_bytes_s) / 2,
                 (before.int8_ops_s + after.int8_ops_s) / 2};
  for (const Asked& one : round.asked) {
    if (!one.ended) return base::invalid("a request never ended");
    if (!one.error.empty()) return base::invalid("{}", one.error);
  }
  return round;
}

Status ScenarioBench::fill(int depth) {
  const int missing = depth - static_cast<int>(deep_.size());
  if (missing > 0) {
    const Tokens more = tokens_.draw(missing);
    deep_.insert(deep_.end(), more.begin(), more.end());
  }
  if (depth == 0) return {};
  const Tokens context(deep_.begin(), deep_.begin() + depth);
  HANDMILL_TRY(const Round filled, ask({context}, 1));
  static_cast<void>(filled);
  return {};
}

Result<std::vector<ScenarioBench::Round>> ScenarioBench::run(const Scenario& scenario) {
  std::vector<Round> rounds;
  Tokens before(deep_.begin(), deep_.begin() + scenario.front().depth);
  for (const BenchTest& test : scenario) {
    std::vector<Tokens> prompts(static_cast<size_t>(test.batch), before);
    for (Tokens& prompt : prompts) {
      const Tokens more = tokens_.draw(test.prompt);
      prompt.insert(prompt.end(), more.begin(), more.end());
    }
    HANDMILL_TRY(Round round, ask(prompts, test.answer));
    // Only whole blocks are found again; what is left of the last one is computed.
    for (const Asked& one : round.asked)
      if (one.record.cached_tokens > test.depth ||
          one.record.cached_tokens < test.depth - 2 * backend::kKvBlock)
        return base::invalid("{}: {} tokens came from the cache where {} should be", test.name,
                             one.record.cached_tokens, test.depth);
    before = std::move(prompts.front());
    const Tokens& answer = round.asked.front().answer;
    before.insert(before.end(), answer.begin(), answer.end());
    rounds.push_back(std::move(round));
  }
  return rounds;
}

Result<std::vector<BenchResult>> ScenarioBench::measure(const Scenario& scenario,
                                                        const Repeats& repeats, const Goal& goal,
                                                        const OnRepeat& on_repeat) {
  if (tokens_.empty())
    return base::unsupported("there is nothing to measure with: every token is a control token");
  on_repeat(-1);
  HANDMILL_OK(fill(scenario.front().depth));
  HANDMILL_TRY(const auto warm_up, run(scenario));
  static_cast<void>(warm_up);
  std::vector<BenchResult> results(scenario.size());
  for (size_t i = 0; i < scenario.size(); ++i) {
    results[i].test = scenario[i];
    results[i].threads = engine_.threads();
    results[i].backend = engine_.description();
  }
  const Clock::time_point begin = Clock::now();
  bool enough = false;
  for (int done = 0; !enough; ++done) {
    on_repeat(done);
    HANDMILL_TRY(const auto rounds, run(scenario));
    for (size_t i = 0; i < rounds.size(); ++i) rounds[i].add_to(results[i]);
    enough = std::ranges::all_of(results, [&](const BenchResult& result) {
      return is_enough(result, seconds(Clock::now() - begin), repeats);
    });
  }
  for (BenchResult& result : results) {
    result.goal_share = goal.share(result.requests);
    result.peak_rss_bytes = peak_rss_bytes();
  }
  return results;
}

}  // namespace handmill::measure
