// A record read back. Whoever wrote the file, nothing in it is believed before it was looked at.
#include <boost/json.hpp>
#include <cmath>
#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"
#include "base/quote.h"
#include "measure/bench_record.h"
#include "measure/metrics.h"

namespace handmill::measure {
namespace {

namespace json = boost::json;

constexpr size_t kResultsMax = 10000;
constexpr size_t kRunsMax = 10000;
constexpr size_t kTextMax = 4096;

/// Reads the fields of one object, and passes over those that it does not know; the first thing
/// that is wrong is kept.
class LooseFields {
 public:
  LooseFields(const json::value* value, std::string path, std::optional<Error>& error)
      : path_(std::move(path)), error_(error) {
    if (value != nullptr && value->is_object())
      object_ = &value->get_object();
    else
      fail("must be an object");
  }

  const json::value* find(std::string_view key) const {
    return object_ == nullptr ? nullptr : object_->if_contains(key);
  }
  std::string where(std::string_view key) const { return path_ + "." + std::string(key); }

  void text(std::string_view key, std::string& out) {
    const json::value* value = find(key);
    if (value == nullptr || value->is_null()) return;
    if (!value->is_string() || value->get_string().size() > kTextMax)
      return fail(key, "must be a text of at most 4096 bytes");
    out = std::string(value->get_string());
  }
  template <class T>
  void count(std::string_view key, T& out, double most) {
    const json::value* value = find(key);
    if (value == nullptr || value->is_null()) return;
    const double number = value->is_number() ? value->to_number<double>() : -1;
    if (!(number >= 0 && number <= most && std::floor(number) == number))
      return fail(key, fmt::format("must be a whole number up to {:.0f}", most));
    out = static_cast<T>(number);
  }
  void number(std::string_view key, double& out) {
    const json::value* value = find(key);
    if (value == nullptr || value->is_null()) return;
    if (!value->is_number() || !std::isfinite(value->to_number<double>()) ||
        value->to_number<double>() < 0)
      return fail(key, "must be a number from 0 on");
    out = value->to_number<double>();
  }
  void runs(std::string_view key, std::string_view metric, BenchResult& result) {
    const json::value* value = find(key);
    if (value == nullptr || value->is_null()) return;
    LooseFields inside(value, where(key), error_);
    const json::value* list = inside.find("runs");
    if (list == nullptr || !list->is_array() || list->get_array().size() > kRunsMax)
      return inside.fail("runs", "must be a list of at most 10000 numbers");
    for (const json::value& item : list->get_array()) {
      const double run = item.is_number() ? item.to_number<double>() : -1;
      if (!std::isfinite(run) || run < 0)
        return inside.fail("runs", "holds something that is no number from 0 on");
      result.add(metric, run);
    }
  }
  void fail(std::string_view key, std::string_view what) {
    if (!error_) error_ = base::invalid("{} {}", base::quoted(where(key)), what);
  }
  void fail(std::string_view what) {
    if (!error_) error_ = base::invalid("{} {}", base::quoted(path_), what);
  }

 private:
  const json::object* object_ = nullptr;
  std::string path_;
  std::optional<Error>& error_;
};

void read_environment(LooseFields fields, std::optional<Error>& error, Environment& out) {
  fields.text("version", out.version);
  fields.text("compiler", out.compiler);
  fields.text("started", out.started);
  fields.text("target", out.target);
  fields.count("model_bytes", out.model_bytes, 1e18);
  fields.text("speculate", out.speculate);
  fields.text("cpu", out.cpu);
  fields.text("isa", out.isa);
  fields.text("kernel", out.kernel);
  fields.text("governor", out.governor);
  fields.count("threads_usable", out.threads_usable, 1e6);
  fields.count("memory_bytes", out.memory_bytes, 1e18);
  const json::value* noise = fields.find("noise");
  if (noise == nullptr || noise->is_null()) return;
  LooseFields inside(noise, fields.where("noise"), error);
  const json::value* refusals = inside.find("refusals");
  if (refusals == nullptr || !refusals->is_array() || refusals->get_array().size() > 100)
    return inside.fail("refusals", "must be a list of at most 100");
  out.noise = Noise{};
  for (const json::value& refusal : refusals->get_array())
    if (refusal.is_string() && refusal.get_string().size() <= kTextMax)
      out.noise->refusals.emplace_back(refusal.get_string());
}

BenchResult read_result(const json::value& value, const std::string& path,
                        std::optional<Error>& error) {
  constexpr double kTokensMax = 1 << 30;
  BenchResult out;
  LooseFields fields(&value, path, error);
  fields.text("test", out.test.name);
  fields.text("scenario", out.test.scenario);
  fields.count("prompt", out.test.prompt, kTokensMax);
  fields.count("answer", out.test.answer, kTokensMax);
  fields.count("depth", out.test.depth, kTokensMax);
  fields.count("batch", out.test.batch, kTokensMax);
  fields.count("threads", out.threads, 1e6);
  fields.text("kv", out.kv);
  fields.text("model", out.model);
  fields.text("backend", out.backend);
  fields.count("peak_rss_bytes", out.peak_rss_bytes, 1e18);
  for (const Metric& one : metrics()) fields.runs(one.name, one.name, out);
  if (const json::value* roofs = fields.find("roofs")) {
    LooseFields inside(roofs, fields.where("roofs"), error);
    for (const char* name : {"read_bytes_s", "int8_ops_s"}) inside.runs(name, name, out);
    out.work.emplace();
    fields.number("bytes_per_token", out.work->bytes);
    fields.number("kv_bytes_per_token", out.work->kv_bytes);
    fields.number("ops_per_token", out.work->ops);
    fields.number("attention_ops_per_token", out.work->attention_ops);
  }
  if (const json::value* goal = fields.find("goal"))
    LooseFields(goal, fields.where("goal"), error).number("share", out.goal_share);
  if (out.test.name.empty()) fields.fail("test", "must be there");
  if (out.series.empty()) fields.fail("has nothing that was measured");
  return out;
}

}  // namespace

Result<BenchRecord> record_from_json(std::string_view text) {
  HANDMILL_TRY(const json::value value, base::parse_json(text));
  std::optional<Error> error;
  LooseFields fields(&value, "bench", error);
  std::string format, goal;
  fields.text("format", format);
  if (format != "handmill bench 1")
    return base::invalid(
        "this is no record of a bench: \"format\" is not \"handmill bench 1\" "
        "(handmill bench --json writes one)");
  BenchRecord record;
  fields.number("tight", record.tight);
  fields.text("goal", goal);
  read_environment(LooseFields(fields.find("environment"), "bench.environment", error), error,
                   record.environment);
  const json::value* results = fields.find("results");
  if (results == nullptr || !results->is_array() || results->get_array().size() > kResultsMax)
    return base::invalid("\"bench.results\" must be a list of at most {}", kResultsMax);
  for (const json::value& item : results->get_array()) {
    const std::string path = fmt::format("bench.results[{}]", record.results.size());
    record.results.push_back(read_result(item, path, error));
    if (error) break;
  }
  if (error) return *std::move(error);
  HANDMILL_TRY(record.goal, read_goal(goal));
  return record;
}

}  // namespace handmill::measure
