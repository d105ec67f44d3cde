// What the server has done, as Prometheus reads it: the names and buckets of vLLM, so that its
// dashboards work, and some of handmill's own. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/event.h"
#include "router/router.h"

namespace handmill::serve {

class Histogram {
 public:
  /// `bounds` rise, and must stay; above the last is one more bucket.
  explicit Histogram(std::span<const double> bounds);
  void observe(double value);
  /// Its lines, `labels` without braces.
  void write(std::string_view name, std::string_view labels, std::string& out) const;

 private:
  std::span<const double> bounds_;
  std::vector<uint64_t> counts_;  // of each bucket alone
  double sum_ = 0;
};

/// How the process stands.
struct Gauges {
  int connections = 0;
  uint64_t buffered_bytes = 0;
  uint64_t refused = 0;  // connections over the limit
};

class Metrics {
 public:
  /// A request of a known model has ended.
  struct Ended {
    api::Usage usage;
    api::Timings timings;
    std::vector<api::Finish> finishes;  // of its choices
  };
  void ended(const std::string& model, const Ended& ended);
  /// Time between two pieces of a choice.
  void token_gap(const std::string& model, double seconds);
  void replied(int status);

  std::string text(std::span<const router::ModelStats> models, const Gauges& gauges) const;

 private:
  struct Model {
    Model();
    Histogram ttft, gap, tpot, total, queue, prefill, decode, inference;
    Histogram prompt_tokens, generation_tokens;
    std::array<uint64_t, 4> finished{};  // by kReasons
  };
  Model& of(const std::string& model);

  mutable std::mutex mutex_;
  std::map<std::string, Model> models_;
  std::map<int, uint64_t> statuses_;
};

}  // namespace handmill::serve
