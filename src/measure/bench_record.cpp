#include "measure/bench_record.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "measure/metrics.h"

namespace handmill::measure {
namespace {

namespace json = boost::json;

bool is_roof(std::string_view metric) { return metric == "read_bytes_s" || metric == "int8_ops_s"; }

json::object series_json(const std::vector<double>& runs, double tight) {
  const Verdict verdict = judge_runs(runs, tight);
  json::value interval = nullptr;
  if (verdict.interval) interval = json::array{verdict.interval->low, verdict.interval->high};
  const auto [low, high] = std::ranges::minmax(runs);
  return {{"median", verdict.median},
          {"low", low},
          {"high", high},
          {"mad", mad_of(runs)},
          {"ci95", std::move(interval)},
          {"tight", verdict.tight},
          {"drift", verdict.drift},
          {"noisy", verdict.noisy()},
          {"runs", json::array(runs.begin(), runs.end())}};
}

/// In microseconds: a clock on a busy machine knows no more.
double rounded(double seconds) { return std::round(seconds * 1e6) / 1e6; }

json::object request_json(const RequestRecord& request) {
  json::array pieces;
  for (const double at : request.piece_s) pieces.emplace_back(rounded(at));
  json::object out = {
      {"prompt_tokens", request.prompt_tokens}, {"cached_tokens", request.cached_tokens},
      {"answer_tokens", request.answer_tokens}, {"prefill_s", nullptr},
      {"end_s", rounded(request.end_s)},        {"piece_s", std::move(pieces)}};
  if (request.prefill_s) out["prefill_s"] = rounded(*request.prefill_s);
  return out;
}

void add_speed(const BenchResult& result, double tight, json::object& out) {
  out["bytes_per_token"] = result.work->bytes;
  out["kv_bytes_per_token"] = result.work->kv_bytes;
  out["ops_per_token"] = result.work->ops;
  out["attention_ops_per_token"] = result.work->attention_ops;
  json::object roofs;
  for (const Series& series : result.series)
    if (is_roof(series.metric)) roofs[series.metric] = series_json(series.runs, tight);
  out["roofs"] = std::move(roofs);
  out["bound"] = result.read_binds() ? "read" : "int8";
}

void add_requests(const BenchResult& result, const Goal& goal, bool requests, json::object& out) {
  out["goal"] = {
      {"wants", goal.name()}, {"reached", goal.is_reached(result)}, {"share", result.goal_share}};
  out["peak_rss_bytes"] =
      result.peak_rss_bytes == 0 ? json::value(nullptr) : json::value(result.peak_rss_bytes);
  if (!requests) return;
  json::array list;
  for (const RequestRecord& request : result.requests) list.push_back(request_json(request));
  out["requests"] = std::move(list);
}

json::object definitions() {
  json::object out;
  for (const Metric& one : metrics()) out[one.name] = one.definition;
  for (const Metric& one : metric_statistics()) out[one.name] = one.definition;
  out["bytes_per_token"] =
      "what a step must read, over its tokens: every weight once, as the file has it (of the "
      "embedding a row for each token), and the keys and values of every position that is seen; "
      "kv_bytes_per_token is the latter part";
  out["ops_per_token"] =
      "int8 multiply-adds of all products with weights and those of attention, as two operations "
      "each; attention_ops_per_token is the latter part";
  out["bound"] = "\"read\" or \"int8\": the roof that is nearer";
  out["goal"] =
      "reached: by the medians; share: of the requests, those that meet it; a request of one token "
      "has no TG that could miss it";
  out["peak_rss_bytes"] =
      "the most memory that this process held until then, mapped files included";
  out["piece_s"] =
      "of one request: when each token (from outside: each piece of text) came, counted from the "
      "moment it was handed over, by a clock that only goes forward";
  return out;
}

}  // namespace

json::object to_json(const BenchResult& result, const BenchRecord& record, bool requests) {
  json::object out = {{"test", result.test.name},     {"scenario", result.test.scenario},
                      {"prompt", result.test.prompt}, {"answer", result.test.answer},
                      {"depth", result.test.depth},   {"batch", result.test.batch},
                      {"threads", result.threads},    {"kv", result.kv},
                      {"model", result.model},        {"backend", result.backend},
                      {"repeats", result.repeats()},  {"version", record.environment.version}};
  for (const Metric& one : metrics()) {
    const Series* series = result.find(one.name);
    if (series != nullptr && !is_roof(one.name))
      out[one.name] = series_json(series->runs, record.tight);
  }
  if (result.work)
    add_speed(result, record.tight, out);
  else
    add_requests(result, record.goal, requests, out);
  return out;
}

std::string record_json(const BenchRecord& record) {
  std::string out = "{\"format\": \"handmill bench 1\",\n \"environment\": " +
                    json::serialize(to_json(record.environment)) +
                    ",\n \"tight\": " + json::serialize(json::value(record.tight)) +
                    ",\n \"goal\": " + json::serialize(json::value(record.goal.name())) +
                    ",\n \"definitions\": " + json::serialize(definitions()) + ",\n \"results\": [";
  for (size_t i = 0; i < record.results.size(); ++i)
    out += (i > 0 ? ",\n  " : "\n  ") + json::serialize(to_json(record.results[i], record, true));
  return out + "]}\n";
}

}  // namespace handmill::measure
