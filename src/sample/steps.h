// The samplers, one file each; sampler.cpp puts them into a chain. A filter does nothing where its
// setting is neutral, and always leaves at least one candidate.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sample/candidates.h"
#include "sample/random.h"
#include "sample/sampler.h"

namespace handmill::sample {

/// Fills `out` with the `k` largest logits (equal ones by lower id), never with -inf; k = 0: all.
/// `logits` [vocab_size] holds one finite number at least, no NaN and no +inf.
void top_k(std::span<const float> logits, int k, std::vector<Scored>& scratch, Candidates& out);
/// What top_k() would leave of a row, of which `largest` are the k largest in any order.
void take_largest(std::span<const Scored> largest, std::vector<Scored>& scratch, Candidates& out);

/// Locally typical sampling (Meister et al., arXiv:2202.00666): the tokens whose surprise is
/// nearest to the distribution's entropy, until they hold typical_p of it.
void typical(const Settings& settings, Candidates& candidates);
/// Nucleus sampling (Holtzman et al., arXiv:1904.09751): the likeliest tokens, until they hold
/// top_p of the distribution.
void top_p(const Settings& settings, Candidates& candidates);
/// Min-p (Nguyen et al., arXiv:2407.01082): drops tokens less likely than min_p times the
/// likeliest.
void min_p(const Settings& settings, Candidates& candidates);
/// Divides the logits by the temperature, which must not be 0; the candidates are weighed after it.
void temperature(const Settings& settings, Candidates& candidates);

/// Index of a candidate, drawn by weight.
size_t draw(const Candidates& candidates, Random& random);

/// Adds the biases to `logits` [vocab_size].
void add_logit_bias(const Settings& settings, std::span<float> logits);

/// Whether the penalties change no logit, whatever the text.
bool penalties_are_neutral(const Settings& settings);
/// What the penalties know of the text: the latest penalty_last_n tokens and how often each occurs.
/// Keeps nothing while every penalty is neutral.
class Penalties {
 public:
  Penalties(const Settings& settings, int vocab_size);
  void accept(Token token);
  /// For each token that occurs: a positive logit is divided by repeat_penalty, another multiplied
  /// (arXiv:1909.05858); then presence_penalty, and frequency_penalty per occurrence, are taken
  /// off.
  void apply(std::span<float> logits);

 private:
  float repeat_, presence_, frequency_;
  size_t window_;               // 0: off
  std::vector<Token> latest_;   // a ring once it holds window_ tokens
  size_t oldest_ = 0;           // index into latest_
  std::vector<int32_t> count_;  // [vocab_size], occurrences in latest_; empty while off
};

/// Mirostat 2 (Basu et al., arXiv:2007.14966): keeps the tokens whose surprise in bits is at most
/// mu, draws, and moves mu so that the surprise tends to tau.
class Mirostat {
 public:
  explicit Mirostat(const Settings& settings);
  /// `candidates` are weighed; what it draws, as an index into what it leaves of them.
  size_t draw(Candidates& candidates, Random& random);
  double mu() const { return mu_; }

 private:
  double tau_, eta_, mu_;
};

}  // namespace handmill::sample
