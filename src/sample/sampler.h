// From logits to a token: a chain of samplers in one documented order. The same seed, settings and
// logits give the same token on every machine. A Sampler belongs to one sequence; not shared
// between threads. Order: logit bias, penalties, [greedy ends here], top-k, typical, top-p, min-p,
// temperature, draw — or, in place of all that follows the penalties, temperature and mirostat 2.
// Equal logits rank by lower token id.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"

namespace handmill::sample {

/// Defaults are the field's usual ones. Fields at their neutral value switch their sampler off.
struct Settings {
  float temperature = 0.8f;     // 0: greedy
  int top_k = 40;               // 0: off
  float top_p = 0.95f;          // 1: off
  float min_p = 0.05f;          // 0: off
  float typical_p = 1.0f;       // 1: off
  float repeat_penalty = 1.0f;  // 1: off
  float presence_penalty = 0.0f;
  float frequency_penalty = 0.0f;
  int penalty_last_n = 64;  // how many latest tokens the penalties look at; -1: all
  bool mirostat = false;    // mirostat 2
  float mirostat_tau = 5.0f;
  float mirostat_eta = 0.1f;
  std::vector<std::pair<text::Token, float>> logit_bias = {};
  std::optional<uint64_t> seed = {};  // none: one is drawn from the system
};

/// Every field inside its range, named in the error where not.
Status validate_ranges(const Settings& settings);
/// And the tokens of logit_bias inside the vocabulary.
Status validate(const Settings& settings, int vocab_size);

/// A token with its logit.
struct Scored {
  float logit;
  text::Token id;
};

/// A Sampler needs so many of a row's largest logits at most, or all of them.
inline constexpr int kLargestMax = 256;

class Sampler {
 public:
  /// `settings` must be valid.
  Sampler(const Settings& settings, int vocab_size);
  ~Sampler();
  Sampler(Sampler&&) noexcept;
  Sampler& operator=(Sampler&&) noexcept;

  /// Tokens that count for the penalties: call for every token of the prompt and of the answer.
  void accept(text::Token token);
  /// Picks a token; `logits` [vocab_size] is scratch afterwards. Logits that hold no finite number,
  /// or a NaN or +inf, are an Error, never a token. -inf is a token that cannot be.
  Result<text::Token> sample(std::span<float> logits);
  /// How many of the largest logits decide every token: 1 to kLargestMax, and no more than the
  /// vocabulary has. 0 where any of them may matter.
  int largest_needed() const;
  /// The same token, or Error, as from the whole row: `largest` are its largest_needed() largest
  /// logits, largest first and equal ones by lower id.
  Result<text::Token> sample_largest(std::span<const Scored> largest);
  uint64_t seed() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace handmill::sample
