#include "cli/advise_report.h"

#include <algorithm>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <set>

#include "cli/figures.h"
#include "cli/home.h"
#include "cli/model_name.h"
#include "cli/utf8.h"
#include "cli/wrap.h"

namespace handmill::cli {
namespace {

namespace json = boost::json;
using measure::Advice, measure::Choice, measure::Refusal, measure::Role;

constexpr size_t kMissedMost = 3;  // in the text; JSON has all
constexpr int kColumn = 15, kWidth = 100;

std::string gigabytes(double bytes) { return fmt::format("{:.2f} GB", bytes / 1e9); }

/// The sources that a text cites, in the order of the catalogue at its end.
class Text {
 public:
  explicit Text(const measure::Catalogue& catalogue) : catalogue_(catalogue) {}

  void line(std::string_view text) { out_ += fmt::format("{}\n", text); }
  void row(std::string_view name, std::string_view text) {
    out_ += wrap_entry(name, text, kColumn, kWidth);
  }
  /// For copying: never wrapped.
  void command(std::string_view name, std::string_view text) {
    out_ += fmt::format("  {:<{}}{}\n", name, kColumn - 2, text);
  }
  /// "[qwen3-report]", and what was not read there is marked.
  std::string cite(const std::string& source, bool checked = true) {
    cited_.insert(source);
    return fmt::format("[{}{}]", source, checked ? "" : ", from memory");
  }
  std::string take() {
    out_ += "\nSources\n";
    for (const measure::CatalogueSource& source : catalogue_.sources)
      if (cited_.contains(source.id))
        out_ +=
            "  " +
            wrap(fmt::format("[{}] {} ({})", source.id, source.text, source.date), 4, kWidth - 2) +
            "\n";
    return std::move(out_);
  }

 private:
  const measure::Catalogue& catalogue_;
  std::set<std::string> cited_;
  std::string out_;
};

std::string figure_text(const measure::Figure& figure, double unit, std::string_view name) {
  if (!figure.known()) return fmt::format("{} unknown", name);
  return fmt::format("{} {} ({})", three_digits(figure.value / unit), name,
                     source_name(figure.source));
}

void add_head(const AdviceGiven& given, Text& text) {
  const measure::Machine& m = given.machine;
  text.line(fmt::format("{}: {}, {}, {}", m.name, figure_text(m.memory_bytes, 1e9, "GB"),
                        figure_text(m.read_bytes_s, 1e9, "GB/s"),
                        figure_text(m.ops_s, 1e12, "TOP/s")));
  if (!given.note.empty()) text.line("  " + given.note);
  if (!given.on.empty())
    text.line(
        "  handmill itself computes on processors so far: of a graphics card this tells what a\n"
        "  program can do that uses it");
  text.line(fmt::format("  {} may be taken: a tenth, and at least 1 GB, is left for the rest",
                        gigabytes(measure::usable_memory(m.memory_bytes.value))));
  text.line(fmt::format(
      "  catalogue of {} ({}), {} models, {}", given.used->catalogue.date, given.used->from,
      given.used->catalogue.models.size(),
      given.commercial_only ? "licences that allow commercial use" : "whatever the licence"));
}

std::string demands_text(const Role& role) {
  std::string out = fmt::format("{} tokens fit, first token within {} s of {}", role.context,
                                role.ttft_max_s, role.prompt);
  if (role.tg_min > 0)
    out += fmt::format(", {} tokens a second or more behind {}", role.tg_min, role.context / 2);
  if (role.minutes_max > 0) out += fmt::format(", an answer within {} minutes", role.minutes_max);
  return out;
}

/// "C-Eval 77.9 [qwen3-report], AlignBench v1.1 8.38 [qwen3-report]: 80.9; q4_k_m keeps 97.2 %"
std::string scores_text(const Choice& c, const Role& role, const measure::Catalogue& catalogue,
                        Text& text) {
  if (!c.score) return "its scores for this role are not published: the largest that can do it";
  std::string out;
  for (const measure::Evidence& evidence : role.evidence) {
    if (evidence.metric.empty()) continue;
    const measure::Score& score = *c.model->score(evidence.metric, role.mode);
    out += fmt::format("{}{} {} {}", out.empty() ? "" : ", ", score.metric, score.value.value,
                       text.cite(score.value.source, score.value.checked));
  }
  out += fmt::format(": {:.1f}", *c.score);
  if (const auto* loss = catalogue.loss(c.quantization))
    out += c.kept == 1
               ? fmt::format("; {} differs too little to tell {}", c.quantization,
                             text.cite(loss->source))
               : fmt::format("; {} keeps {:.1f} % as on {} {}: {:.1f}", c.quantization,
                             100 * c.kept, loss->model, text.cite(loss->source), c.quality());
  return out;
}

std::string range_text(double value, double low, double high) {
  return fmt::format("{} ({} to {})", three_digits(value), three_digits(low), three_digits(high));
}

std::string basis_text(const Choice& c) {
  return c.decode.basis == measure::Basis::kMeasured ? "rates measured here"
                                                     : "assumed shares of the limits";
}

void add_speed(const Choice& c, const Role& role, Text& text) {
  text.row(
      "speed",
      fmt::format("TG {} behind {}, TTFT {} s; {}",
                  range_text(1 / c.decode.seconds, 1 / c.decode.high(), 1 / c.decode.low()),
                  c.context / 2, range_text(c.prefill.seconds, c.prefill.low(), c.prefill.high()),
                  basis_text(c)));
  if (role.mode != measure::Mode::kThinking) return;
  const auto& published = c.model->thinking_tokens;
  text.row(
      "an answer",
      fmt::format("{:.1f} minutes with {:.0f} tokens of thinking {}", c.minutes, c.thinking_tokens,
                  published ? text.cite(published->source, published->checked) : "(assumed)"));
}

/// Name of a file in the models folder, as `run` takes it.
std::string run_name(const Choice& c) {
  const std::string file = c.model->file_name(c.quantization);
  return file.substr(0, file.size() - std::string_view(".gguf").size());
}

void add_commands(const Choice& c, const AdviceGiven& given, Text& text) {
  text.row("get",
           fmt::format("{} of {} on the Hugging Face hub, into {}",
                       c.model->file_name(c.quantization), c.model->repository, models_folder()));
  const std::string kv = c.kv == backend::KvType::kF16 ? "" : " --kv q8_0";
  text.command("run", fmt::format("handmill run {} --context {}{}", run_name(c), c.context, kv));
  text.command("see", fmt::format("handmill explain {}-{}{}{}", c.model->name, c.quantization, kv,
                                  given.on.empty() ? "" : " --on " + given.on));
}

void add_pick(const Choice& c, const Advice& advice, const AdviceGiven& given, Text& text) {
  const measure::Licence& licence = c.model->licence;
  text.row("pick", fmt::format("{}, {}, context {}, cache {}", c.model->name, c.quantization,
                               c.context, backend::kv_name(c.kv)));
  text.row("licence", licence.name + (licence.note.empty() ? "" : ", " + licence.note) +
                          (licence.commercial ? "" : ": no commercial use"));
  text.row("memory", fmt::format("{} counted from its shape: weights {}, cache {}, buffers {}",
                                 gigabytes(static_cast<double>(c.memory())),
                                 gigabytes(static_cast<double>(c.file_bytes)),
                                 gigabytes(static_cast<double>(c.kv_bytes)),
                                 gigabytes(static_cast<double>(c.buffer_bytes))));
  add_speed(c, *advice.role, text);
  text.row("why", scores_text(c, *advice.role, given.used->catalogue, text));
  if (advice.role->name == "code" && c.model->fill_in_the_middle)
    text.row("", "it also fills in the middle of code, which editors ask for");
  if (!c.model->note.empty()) text.row("", c.model->note);
}

void add_others(const Advice& advice, Text& text) {
  if (advice.choices.size() > 1) {
    const Choice &pick = advice.choices[0], &next = advice.choices[1];
    const std::string name = fmt::format("{} {}", next.model->name, next.quantization);
    text.row("runner-up",
             next.score ? fmt::format("{}: {:.1f}, {:.1f} less", name, next.quality(),
                                      pick.quality() - next.quality())
                        : fmt::format("{}: its scores for this role are not published", name));
  }
  size_t told = 0;
  const double best = advice.choices.empty() ? 1e9 : advice.choices[0].quality();
  for (const Refusal& refusal : advice.refusals) {
    if (told == kMissedMost || !refusal.score || *refusal.score <= best) break;
    text.row(told++ == 0 ? "better, but" : "",
             fmt::format("{} ({:.1f}) {}", refusal.model->name, *refusal.score, refusal.why));
  }
}

/// The smallest models that would suit: what is in their way says what the machine lacks.
void add_nearest(const Advice& advice, Text& text) {
  std::vector<const Refusal*> suiting;
  for (const Refusal& refusal : advice.refusals)
    if (refusal.suits) suiting.push_back(&refusal);
  std::ranges::sort(suiting, {}, [](const Refusal* r) { return r->model->parameters.value; });
  if (suiting.size() > kMissedMost) suiting.resize(kMissedMost);
  for (const Refusal* refusal : suiting)
    text.row(refusal == suiting[0] ? "nearest" : "",
             fmt::format("{} {}", refusal->model->name, refusal->why));
}

void add_online(const measure::Catalogue& catalogue, Text& text) {
  text.row("pick", "none: nothing in the catalogue can do this here");
  std::string services;
  for (const measure::OnlineService& service : catalogue.online)
    services += fmt::format("{}{} ({}) {}", services.empty() ? "" : ", ", service.name,
                            service.models, text.cite(service.source));
  if (!services.empty()) text.row("online", "a service can: " + services);
}

json::object prediction_json(const measure::Prediction& prediction) {
  return {{"seconds", prediction.seconds},
          {"seconds_low", prediction.low()},
          {"seconds_high", prediction.high()},
          {"basis", prediction.basis == measure::Basis::kMeasured ? "measured" : "assumed"}};
}

json::object cited_json(const measure::Cited& cited) {
  return {{"value", cited.value}, {"source", cited.source}, {"checked", cited.checked}};
}

json::object choice_json(const Choice& c, const Role& role, const measure::Catalogue& catalogue) {
  json::array evidence;
  for (const measure::Evidence& wanted : role.evidence)
    if (const auto* score = c.model->score(wanted.metric, role.mode)) {
      json::object cited = cited_json(score->value);
      cited["metric"] = score->metric;
      cited["mode"] = measure::mode_name(score->mode);
      evidence.push_back(std::move(cited));
    }
  const auto* loss = catalogue.loss(c.quantization);
  return {{"model", c.model->name},
          {"quantization", c.quantization},
          {"context", c.context},
          {"kv", backend::kv_name(c.kv)},
          {"licence", c.model->licence.name},
          {"commercial", c.model->licence.commercial},
          {"memory_bytes", c.memory()},
          {"file_bytes", c.file_bytes},
          {"kv_bytes", c.kv_bytes},
          {"buffer_bytes", c.buffer_bytes},
          {"tg", 1 / c.decode.seconds},
          {"decode", prediction_json(c.decode)},
          {"ttft", prediction_json(c.prefill)},
          {"thinking_tokens", c.thinking_tokens},
          {"minutes", c.minutes},
          {"evidence", std::move(evidence)},
          {"score", c.score ? json::value(*c.score) : json::value(nullptr)},
          {"kept", c.kept},
          {"kept_source", loss == nullptr ? json::value(nullptr) : json::value(loss->source)},
          {"quality", c.quality()},
          {"fill_in_the_middle", c.model->fill_in_the_middle},
          {"repository", c.model->repository},
          {"file", c.model->file_name(c.quantization)}};
}

json::object role_json(const Advice& advice, const measure::Catalogue& catalogue) {
  json::array choices, refusals;
  for (const Choice& choice : advice.choices)
    choices.push_back(choice_json(choice, *advice.role, catalogue));
  for (const Refusal& refusal : advice.refusals)
    refusals.push_back(
        json::object{{"model", refusal.model->name},
                     {"score", refusal.score ? json::value(*refusal.score) : json::value(nullptr)},
                     {"why", refusal.why}});
  return {{"role", advice.role->name},     {"context", advice.role->context},
          {"prompt", advice.role->prompt}, {"ttft_max_s", advice.role->ttft_max_s},
          {"tg_min", advice.role->tg_min}, {"minutes_max", advice.role->minutes_max},
          {"choices", std::move(choices)}, {"refused", std::move(refusals)}};
}

}  // namespace

std::string advice_text(const AdviceGiven& given) {
  Text text(given.used->catalogue);
  add_head(given, text);
  for (const Advice& advice : given.advice) {
    text.line(fmt::format("\n{}: {}\n  {}", advice.role->name, advice.role->what,
                          demands_text(*advice.role)));
    if (advice.choices.empty()) {
      add_online(given.used->catalogue, text);
      add_nearest(advice, text);
      continue;
    }
    add_pick(advice.choices[0], advice, given, text);
    add_others(advice, text);
    add_commands(advice.choices[0], given, text);
  }
  return text.take();
}

json::object advice_json(const AdviceGiven& given) {
  const measure::Catalogue& catalogue = given.used->catalogue;
  json::array roles;
  for (const Advice& advice : given.advice) roles.push_back(role_json(advice, catalogue));
  json::object sources;
  for (const measure::CatalogueSource& source : catalogue.sources)
    sources[source.id] = json::object{{"text", source.text}, {"date", source.date}};
  json::array online;
  for (const measure::OnlineService& service : catalogue.online)
    online.push_back(json::object{
        {"name", service.name}, {"models", service.models}, {"source", service.source}});
  return {
      {"machine", measure::to_json(given.machine)},
      {"note", given.note.empty() ? json::value(nullptr) : json::value(given.note)},
      {"usable_bytes", measure::usable_memory(given.machine.memory_bytes.value)},
      {"catalogue", json::object{{"date", catalogue.date}, {"from", valid_utf8(given.used->from)}}},
      {"commercial_only", given.commercial_only},
      {"roles", std::move(roles)},
      {"online", std::move(online)},
      {"sources", std::move(sources)}};
}

}  // namespace handmill::cli
