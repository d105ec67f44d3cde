// What a run asks, and when. Every request follows from the settings and its own number alone, so
// that two servers, or one server twice, get the same bytes at the same times.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace handmill::load {

/// A number of tokens: fixed, uniform between two, or exponential around a mean (at most 8 times
/// as many), as skewed as people's own.
struct Length {
  enum class Kind { kUniform, kExponential };
  Kind kind = Kind::kUniform;
  int low = 0, high = 0;  // of kExponential: high is the mean
};
/// "200", "100-300" or "exp:200".
Result<Length> read_length(std::string_view words);

struct Settings {
  std::string model = {};  // as the server calls it; may be empty
  bool chat = false;       // /v1/chat/completions, else /v1/completions
  bool ids = false;  // prompts are token ids, exactly as many as asked; else words, about as many
  Length prompt{.low = 200, .high = 200}, output{.low = 64, .high = 64};
  int prefix = 0;  // tokens that all prompts begin with, part of the prompt's length
  uint64_t seed = 1, prefix_seed = 1;
  int ids_low = 1000, ids_high = 30000;  // token ids are drawn from [low, high)
  double temperature = 0;
  double leave = 0;  // how likely a client leaves before its answer is whole
  double leave_within_s = 2;
  double rate = 0;  // arrivals per second, Poisson; 0: `users` at a time
  int users = 1;
  int requests = 100;
  double duration_s = 0;  // no request begins later; 0: no such bound
};

/// When a client goes away: so long after it asked, or once it has so many pieces. With `reset` the
/// connection is torn down, else closed.
struct Leave {
  std::optional<double> after_s;
  int pieces = 0;
  bool reset = false;
};

struct Asked {
  std::string body;
  int output_tokens = 0;
  std::optional<Leave> leave;
};

/// Random numbers that are the same everywhere (splitmix64).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next();
  double unit();  // [0, 1)
  int between(int low, int high);
  double exponential(double mean);

 private:
  uint64_t state_;
};

class Plan {
 public:
  explicit Plan(const Settings& settings);
  std::string_view path() const;
  Asked request(int number) const;
  /// Seconds from the run's begin to each arrival, of all requests that arrive within its bounds;
  /// with `users`, all 0.
  const std::vector<double>& arrivals() const { return arrivals_; }

 private:
  Settings settings_;
  std::vector<double> arrivals_;
};

}  // namespace handmill::load
