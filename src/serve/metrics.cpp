#include "serve/metrics.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace handmill::serve {
namespace {

// The buckets of vLLM (v1/metrics/loggers.py).
constexpr double kTtftBounds[] = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75,
                                  1,     2.5,   5,    7.5,  10,   20,   40,   80,  160,  640, 2560};
constexpr double kGapBounds[] = {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5,
                                 0.75, 1,     2.5,  5,     7.5, 10,   20,  40,  80};
constexpr double kRequestBounds[] = {0.3, 0.5, 0.8, 1,  1.5, 2,   2.5, 5,   10,   15,  20,
                                     30,  40,  50,  60, 120, 240, 480, 960, 1920, 7680};
constexpr double kTokenBounds[] = {1,    2,    5,    10,    20,    50,    100,    200,    500,
                                   1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000};

constexpr std::array<std::string_view, 4> kReasons = {"stop", "length", "abort", "error"};

size_t reason_of(api::Finish finish) {
  switch (finish) {
    case api::Finish::kStop: return 0;
    case api::Finish::kLength:
    case api::Finish::kContext: return 1;
    case api::Finish::kCancelled: return 2;
    case api::Finish::kError: break;
  }
  return 3;
}

/// A label's value, quoted as the format wants it.
std::string label(std::string_view name, std::string_view value) {
  std::string out = fmt::format("{}=\"", name);
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + '"';
}

void head(std::string_view name, std::string_view type, std::string_view help, std::string& out) {
  fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

/// A number of each loaded model.
struct EngineRow {
  std::string_view name, type, help;
  double (*value)(const engine::Stats&);
};
double used_part(const engine::Stats& stats) {
  return stats.kv_blocks == 0 ? 0 : 1 - static_cast<double>(stats.kv_free) / stats.kv_blocks;
}
constexpr EngineRow kEngineRows[] = {
    {"vllm:num_requests_running", "gauge", "Sequences in the model's steps.",
     [](const engine::Stats& s) { return static_cast<double>(s.running); }},
    {"vllm:num_requests_waiting", "gauge", "Sequences that wait for their first step.",
     [](const engine::Stats& s) { return static_cast<double>(s.waiting); }},
    {"vllm:kv_cache_usage_perc", "gauge", "Used part of the key/value cache; 1 is all.", used_part},
    {"vllm:gpu_cache_usage_perc", "gauge", "The same under its older name.", used_part},
    {"vllm:prefix_cache_queries_total", "counter", "Prompt tokens looked up in the prefix cache.",
     [](const engine::Stats& s) { return static_cast<double>(s.prompt_tokens); }},
    {"vllm:prefix_cache_hits_total", "counter", "Prompt tokens found in the prefix cache.",
     [](const engine::Stats& s) { return static_cast<double>(s.cached_tokens); }},
    {"vllm:prompt_tokens_total", "counter", "Prompt tokens, computed or found.",
     [](const engine::Stats& s) { return static_cast<double>(s.prompt_tokens); }},
    {"vllm:generation_tokens_total", "counter", "Tokens made.",
     [](const engine::Stats& s) { return static_cast<double>(s.generated_tokens); }},
    {"vllm:num_preemptions_total", "counter", "Sequences put off because blocks ran out.",
     [](const engine::Stats& s) { return static_cast<double>(s.preemptions); }},
    {"vllm:spec_decode_num_draft_tokens_total", "counter", "Tokens guessed ahead.",
     [](const engine::Stats& s) { return static_cast<double>(s.proposed_tokens); }},
    {"vllm:spec_decode_num_accepted_tokens_total", "counter", "Guesses that were right.",
     [](const engine::Stats& s) { return static_cast<double>(s.accepted_tokens); }},
    {"handmill_engine_steps_total", "counter", "Steps of the model.",
     [](const engine::Stats& s) { return static_cast<double>(s.steps); }},
};

void write_row(std::string_view name, std::string_view type, std::string_view help, uint64_t value,
               std::string& out) {
  head(name, type, help, out);
  fmt::format_to(std::back_inserter(out), "{} {}\n", name, value);
}

}  // namespace

Histogram::Histogram(std::span<const double> bounds)
    : bounds_(bounds), counts_(bounds.size() + 1) {}

void Histogram::observe(double value) {
  const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  ++counts_[static_cast<size_t>(at - bounds_.begin())];
  sum_ += value;
}

void Histogram::write(std::string_view name, std::string_view labels, std::string& out) const {
  auto to = std::back_inserter(out);
  uint64_t count = 0;
  for (size_t i = 0; i < bounds_.size(); ++i) {
    count += counts_[i];
    fmt::format_to(to, "{}_bucket{{{},le=\"{}\"}} {}\n", name, labels, bounds_[i], count);
  }
  count += counts_.back();
  fmt::format_to(to, "{}_bucket{{{},le=\"+Inf\"}} {}\n", name, labels, count);
  fmt::format_to(to, "{}_sum{{{}}} {}\n{}_count{{{}}} {}\n", name, labels, sum_, name, labels,
                 count);
}

Metrics::Model::Model()
    : ttft(kTtftBounds),
      gap(kGapBounds),
      tpot(kGapBounds),
      total(kRequestBounds),
      queue(kRequestBounds),
      prefill(kRequestBounds),
      decode(kRequestBounds),
      inference(kRequestBounds),
      prompt_tokens(kTokenBounds),
      generation_tokens(kTokenBounds) {}

Metrics::Model& Metrics::of(const std::string& model) { return models_[model]; }

void Metrics::ended(const std::string& model, const Ended& ended) {
  const std::lock_guard lock(mutex_);
  Model& figures = of(model);
  const api::Timings& times = ended.timings;
  const int tokens = ended.usage.completion_tokens;
  for (const api::Finish finish : ended.finishes) ++figures.finished[reason_of(finish)];
  figures.prompt_tokens.observe(ended.usage.prompt_tokens);
  figures.generation_tokens.observe(tokens);
  figures.queue.observe(times.queue_s);
  figures.total.observe(times.total_s);
  if (tokens == 0) return;
  figures.ttft.observe(times.ttft_s);
  figures.prefill.observe(times.prefill_s);
  figures.decode.observe(times.decode_s);
  figures.inference.observe(times.prefill_s + times.decode_s);
  const auto choices = static_cast<int>(std::max<size_t>(1, ended.finishes.size()));
  if (tokens > choices) figures.tpot.observe(times.decode_s * choices / (tokens - choices));
}

void Metrics::token_gap(const std::string& model, double seconds) {
  const std::lock_guard lock(mutex_);
  of(model).gap.observe(seconds);
}

void Metrics::replied(int status) {
  const std::lock_guard lock(mutex_);
  ++statuses_[status];
}

std::string Metrics::text(std::span<const router::ModelStats> models, const Gauges& gauges) const {
  std::string out;
  auto to = std::back_inserter(out);
  for (const EngineRow& row : kEngineRows) {
    head(row.name, row.type, row.help, out);
    for (const router::ModelStats& model : models)
      fmt::format_to(to, "{}{{{}}} {}\n", row.name, label("model_name", model.name),
                     row.value(model.engine));
  }
  const std::lock_guard lock(mutex_);
  head("vllm:request_success_total", "counter", "Answers that ended, by how.", out);
  for (const auto& [name, figures] : models_)
    for (size_t i = 0; i < kReasons.size(); ++i)
      fmt::format_to(to, "vllm:request_success_total{{{},{}}} {}\n", label("model_name", name),
                     label("finished_reason", kReasons[i]), figures.finished[i]);
  struct Row {
    std::string_view name, help;
    Histogram Model::* histogram;
  };
  static constexpr Row kRows[] = {
      {"vllm:time_to_first_token_seconds", "Accepted to first token.", &Model::ttft},
      {"vllm:inter_token_latency_seconds", "Between two pieces of an answer.", &Model::gap},
      {"vllm:time_per_output_token_seconds", "The same under its older name.", &Model::gap},
      {"vllm:request_time_per_output_token_seconds", "Mean of a request.", &Model::tpot},
      {"vllm:e2e_request_latency_seconds", "Accepted to end.", &Model::total},
      {"vllm:request_queue_time_seconds", "Accepted to first step.", &Model::queue},
      {"vllm:request_prefill_time_seconds", "First step to first token.", &Model::prefill},
      {"vllm:request_decode_time_seconds", "First token to last.", &Model::decode},
      {"vllm:request_inference_time_seconds", "First step to last token.", &Model::inference},
      {"vllm:request_prompt_tokens", "Tokens of a prompt.", &Model::prompt_tokens},
      {"vllm:request_generation_tokens", "Tokens of an answer.", &Model::generation_tokens},
  };
  for (const Row& row : kRows) {
    head(row.name, "histogram", row.help, out);
    for (const auto& [name, figures] : models_)
      (figures.*row.histogram).write(row.name, label("model_name", name), out);
  }
  head("handmill_http_replies_total", "counter", "Replies by status; 499: the client left.", out);
  for (const auto& [status, count] : statuses_)
    fmt::format_to(to, "handmill_http_replies_total{{status=\"{}\"}} {}\n", status, count);
  write_row("handmill_connections", "gauge", "Open connections.",
            static_cast<uint64_t>(gauges.connections), out);
  write_row("handmill_connections_refused_total", "counter", "Connections over the limit.",
            gauges.refused, out);
  write_row("handmill_buffered_bytes", "gauge", "Bodies and output that are held now.",
            gauges.buffered_bytes, out);
  return out;
}

}  // namespace handmill::serve
