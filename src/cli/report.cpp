#include "cli/report.h"

#include <cmath>
#include <fmt/format.h>

#include "cli/figures.h"
#include "cli/shares_text.h"

namespace handmill::cli {
namespace {

using engine::Timings;

/// Three significant figures, and nothing where there is nothing to divide.
std::string figure(double value) {
  if (!std::isfinite(value) || value <= 0) return "-";
  return three_digits(value);
}

std::string time_text(double seconds) {
  if (!std::isfinite(seconds) || seconds <= 0) return "-";
  return seconds < 0.9995 ? figure(seconds * 1000) + " ms" : figure(seconds) + " s";
}

bool has_rate(const Timings& timings) { return timings.generated_tokens > 1; }

boost::json::value number(double value) {
  if (!std::isfinite(value)) return nullptr;
  return value;
}

bool has_shares(const measure::RunVerdict& verdict) {
  return verdict.prefill || verdict.decode || !verdict.why_none.empty();
}

std::string shares_line(const Timings& t, const measure::RunVerdict& verdict) {
  std::string line =
      fmt::format("TTFT {} ({} new", time_text(t.ttft_s), t.prompt_tokens - t.cached_tokens);
  line += t.cached_tokens > 0 ? fmt::format(", {} cached)", t.cached_tokens) : ")";
  if (has_rate(t)) {
    line += fmt::format(" · TG {} tok/s", figure(t.tg()));
    if (t.accepted_tokens > 0) line += fmt::format(" with {} guessed", t.accepted_tokens);
  }
  if (verdict.decode)
    line += fmt::format(" = {} at depth {}", roof_text(*verdict.decode),
                        depth_text(t.prompt_tokens + t.generated_tokens / 2));
  line += fmt::format(" · PP {} tok/s", figure(t.pp()));
  if (verdict.prefill) line += " = " + roof_text(*verdict.prefill);
  const auto& shares = verdict.decode ? verdict.decode : verdict.prefill;
  const std::string rest = shares ? rest_text(*shares) : "";
  if (!rest.empty()) line += fmt::format(" · rest{}: {}", verdict.decode ? "" : " of PP", rest);
  if (!verdict.why_none.empty()) line += " · no share of the roof: " + verdict.why_none;
  return line;
}

}  // namespace

std::string speed_line(const Answer& answer) {
  const Timings& t = answer.timings;
  if (has_shares(answer.verdict)) return shares_line(t, answer.verdict);
  std::string line = fmt::format("TTFT {}   PP {} tok/s", time_text(t.ttft_s), figure(t.pp()));
  if (has_rate(t))
    line += fmt::format("   TPOT {}   TG {} tok/s", time_text(t.tpot_s()), figure(t.tg()));
  line += fmt::format("   ({} + {} tokens", t.prompt_tokens, t.generated_tokens);
  if (t.cached_tokens > 0) line += fmt::format(", {} cached", t.cached_tokens);
  return line + ")";
}

std::string speed_table(const Answer& answer, double load_s) {
  const Timings& t = answer.timings;
  const measure::RunVerdict& verdict = answer.verdict;
  const bool rate = has_rate(t);
  std::string out;
  const auto row = [&](std::string_view name, const std::string& value, std::string_view what) {
    out += fmt::format("{:<7}{:>12}   {}\n", name, value, what);
  };
  row("load", time_text(load_s), "from the file to the first step");
  row("TTFT", time_text(t.ttft_s), "time to first token");
  row("PP", figure(t.pp()) + " tok/s",
      fmt::format("prompt processing: {} tokens, {} of them cached", t.prompt_tokens,
                  t.cached_tokens));
  row("TPOT", rate ? time_text(t.tpot_s()) : "-", "time per output token");
  row("TG", rate ? figure(t.tg()) + " tok/s" : "-",
      fmt::format("text generation: {} tokens", t.generated_tokens));
  const auto roof_row = [&](std::string_view name, const std::optional<measure::Shares>& shares) {
    if (!shares) return;
    const std::string rest = rest_text(*shares);
    row(name, fmt::format("{:.0f} %", 100 * shares->roof),
        fmt::format("of the {} roof", roof_name(shares->limit)) +
            (rest.empty() ? "" : "; rest: " + rest));
  };
  roof_row("of PP", verdict.prefill);
  roof_row("of TG", verdict.decode);
  if (!verdict.why_none.empty()) row("of roof", "-", verdict.why_none);
  if (t.proposed_tokens > 0)
    row("guess", fmt::format("{} of {}", t.accepted_tokens, t.proposed_tokens),
        "tokens that speculation foresaw, of those it proposed");
  row("total", time_text(t.ttft_s + t.decode_s), "from the question to the last token");
  return out;
}

std::string finish_note(const Answer& answer, int context) {
  switch (answer.finish) {
    case engine::Finish::kContext:
      return fmt::format(
          "the context is full: prompt and answer have reached its {} tokens; --context N gives "
          "more room",
          context);
    case engine::Finish::kLength:
      return fmt::format("the answer was ended after {} tokens, as max_tokens asks",
                         answer.timings.generated_tokens);
    case engine::Finish::kCancelled: return "stopped";
    default: return "";
  }
}

boost::json::object answer_json(const Answer& answer, const Session& session) {
  const Timings& t = answer.timings;
  const bool rate = has_rate(t);
  boost::json::object timings;
  timings["load_s"] = number(session.load_s);
  timings["queue_s"] = number(t.queue_s);
  timings["ttft_s"] = number(t.ttft_s);
  timings["prefill_s"] = number(t.prefill_s);
  timings["decode_s"] = number(t.decode_s);
  timings["pp_tok_s"] = number(t.pp());
  timings["tpot_s"] = rate ? number(t.tpot_s()) : nullptr;
  timings["tg_tok_s"] = rate ? number(t.tg()) : nullptr;
  boost::json::object object;
  object["model"] = session.name;
  object["text"] = answer.text;
  object["finish"] = engine::finish_name(answer.finish);
  object["stop"] = answer.stop.empty() ? boost::json::value(nullptr) : answer.stop.c_str();
  object["seed"] = answer.seed;
  object["prompt_tokens"] = t.prompt_tokens;
  object["cached_tokens"] = t.cached_tokens;
  object["generated_tokens"] = t.generated_tokens;
  object["proposed_tokens"] = t.proposed_tokens;
  object["accepted_tokens"] = t.accepted_tokens;
  object["context"] = session.engine->context();
  object["backend"] = session.engine->description();
  object["threads"] = session.engine->threads();
  object["timings"] = std::move(timings);
  object["roof"] = verdict_json(answer.verdict);
  return object;
}

}  // namespace handmill::cli
