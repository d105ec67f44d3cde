// The chain: which samplers there are and the order in which they work. A new filter is a file, a
// declaration in steps.h and a line in kFilters.
#include "sample/sampler.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <cmath>
#include <limits>
#include <sys/random.h>

#include "base/error.h"
#include "sample/steps.h"

namespace handmill::sample {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

using Filter = void (*)(const Settings&, Candidates&);
constexpr Filter kFilters[] = {typical, top_p, min_p, temperature};

uint64_t system_seed() {
  uint64_t seed = 0;
  if (getentropy(&seed, sizeof seed) != 0)
    seed = static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  return seed;
}

Error bad_logit(ptrdiff_t token, float logit) {
  return base::invalid("the logit of token {} is {}", token, logit);
}

Error no_finite_logit() { return base::invalid("no token has a finite logit"); }

/// The largest logit, or an Error where the logits are not a distribution.
Result<float> largest_of(std::span<const float> logits) {
  constexpr size_t kLanes = 16;  // independent maxima, so that the loop vectorizes
  std::array<float, kLanes> lane_max;
  lane_max.fill(-kInfinity);
  std::array<int, kLanes> lane_bad{};
  const size_t whole = logits.size() / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float x = logits[i + lane];
      lane_bad[lane] |= !(x < kInfinity);
      lane_max[lane] = x > lane_max[lane] ? x : lane_max[lane];
    }
  float largest = *std::max_element(lane_max.begin(), lane_max.end());
  bool bad = std::count(lane_bad.begin(), lane_bad.end(), 0) != kLanes;
  for (float x : logits.subspan(whole)) {
    bad |= !(x < kInfinity);
    largest = std::max(largest, x);
  }
  if (bad) {
    const auto at =
        std::find_if(logits.begin(), logits.end(), [](float x) { return !(x < kInfinity); });
    return bad_logit(at - logits.begin(), *at);
  }
  if (largest == -kInfinity) return no_finite_logit();
  return largest;
}

}  // namespace

struct Sampler::State {
  State(const Settings& wanted, int vocab)
      : settings(wanted),
        vocab_size(static_cast<size_t>(vocab)),
        seed(wanted.seed ? *wanted.seed : system_seed()),
        random(seed),
        penalties(wanted, vocab),
        mirostat(wanted) {}

  Token pick(std::span<const float> logits);
  /// From the candidates that top-k left.
  Token pick_candidate();

  Settings settings;
  size_t vocab_size;
  uint64_t seed;
  Random random;
  Penalties penalties;
  Mirostat mirostat;
  Candidates candidates;
  std::vector<Scored> scratch;
};

Token Sampler::State::pick(std::span<const float> logits) {
  top_k(logits, settings.mirostat ? 0 : settings.top_k, scratch, candidates);
  return pick_candidate();
}

Token Sampler::State::pick_candidate() {
  size_t index;
  if (settings.mirostat) {
    temperature(settings, candidates);
    index = mirostat.draw(candidates, random);
  } else {
    for (Filter filter : kFilters) filter(settings, candidates);
    index = draw(candidates, random);
  }
  return candidates.ids()[index];
}

Sampler::Sampler(const Settings& settings, int vocab_size) {
  assert(validate(settings, vocab_size).ok());
  state_ = std::make_unique<State>(settings, vocab_size);
}
Sampler::~Sampler() = default;
Sampler::Sampler(Sampler&&) noexcept = default;
Sampler& Sampler::operator=(Sampler&&) noexcept = default;

void Sampler::accept(Token token) { state_->penalties.accept(token); }

Result<Token> Sampler::sample(std::span<float> logits) {
  State& state = *state_;
  if (logits.size() != state.vocab_size)
    return base::invalid("{} logits for a vocabulary of {} tokens", logits.size(),
                         state.vocab_size);
  add_logit_bias(state.settings, logits);
  state.penalties.apply(logits);
  HANDMILL_TRY(const float largest, largest_of(logits));
  if (state.settings.temperature == 0.0f)
    return static_cast<Token>(std::find(logits.begin(), logits.end(), largest) - logits.begin());
  return state.pick(logits);
}

int Sampler::largest_needed() const {
  const Settings& settings = state_->settings;
  if (!settings.logit_bias.empty() || !penalties_are_neutral(settings)) return 0;
  if (settings.temperature == 0.0f) return 1;
  if (settings.mirostat || settings.top_k > kLargestMax) return 0;
  return static_cast<int>(std::min(static_cast<size_t>(settings.top_k), state_->vocab_size));
}

Result<Token> Sampler::sample_largest(std::span<const Scored> largest) {
  State& state = *state_;
  assert(largest.size() == static_cast<size_t>(largest_needed()) && !largest.empty());
  const Scored* bad = nullptr;  // the one with the lowest id
  for (const Scored& one : largest)
    if (!(one.logit < kInfinity) && (bad == nullptr || one.id < bad->id)) bad = &one;
  if (bad != nullptr) return bad_logit(bad->id, bad->logit);
  if (largest.front().logit == -kInfinity) return no_finite_logit();
  if (state.settings.temperature == 0.0f) return largest.front().id;
  take_largest(largest, state.scratch, state.candidates);
  return state.pick_candidate();
}

uint64_t Sampler::seed() const { return state_->seed; }

}  // namespace handmill::sample
