#include "cli/explain_report.h"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <map>
#include <utility>

#include "cli/figures.h"
#include "cli/utf8.h"
#include "measure/load.h"
#include "measure/machines.h"
#include "measure/roofline.h"

namespace handmill::cli {
namespace {

namespace json = boost::json;
using measure::Basis;
using measure::Corrected;
using measure::Prediction;

double per_byte(double operations, double bytes) { return bytes > 0 ? operations / bytes : 0; }
double per_byte(const model::Work& work) {
  return per_byte(static_cast<double>(work.ops()), static_cast<double>(work.bytes()));
}

std::string_view bound_of(const Prediction& prediction) {
  const double arithmetic = prediction.ops_s, memory = prediction.memory_s;
  if (prediction.layers_s > arithmetic && prediction.layers_s > memory) return "waiting";
  return arithmetic > memory ? "arithmetic" : "memory";
}

std::string basis_text(Basis basis) {
  return basis == Basis::kMeasured
             ? "the rates of handmill's kernels, measured on this machine"
             : fmt::format("assumed shares of the limits: {:.2f} of memory, {:.2f} of arithmetic",
                           measure::kReadShare, measure::kOpsShare);
}

/// "45.1 tok/s (41.0 to 50.1)"
std::string speed_text(double tokens, const Corrected& prediction) {
  return fmt::format("{} ({} to {})", three_digits(tokens / prediction.seconds()),
                     three_digits(tokens / prediction.high()),
                     three_digits(tokens / prediction.low()));
}

void add_machine(const Explanation& e, std::string& out) {
  const measure::Machine& m = e.machine;
  out += fmt::format("{} on {}\n", e.model, m.name);
  if (e.shape_from != "the file") out += fmt::format("  shape from {}\n", e.shape_from);
  out += fmt::format("  memory bandwidth {} GB/s ({}), arithmetic {} GOP/s ({})\n",
                     three_digits(m.read_bytes_s.value / 1e9), source_name(m.read_bytes_s.source),
                     three_digits(m.ops_s.value / 1e9), source_name(m.ops_s.source));
  out += fmt::format("  ridge {} operations a byte: below it memory binds, above it arithmetic\n",
                     three_digits(m.ridge()));
  if (!e.note.empty()) out += fmt::format("  {}\n", e.note);
  constexpr double kPositions = 4096, kHead = 128;
  out += fmt::format(
      "  prefill's attention over {:.0f} tokens has {} if its scores go to memory, fused about "
      "{:.0f}\n",
      kPositions, three_digits(measure::unfused_attention_intensity(kPositions, kHead)),
      kPositions / 2);
}

void add_parts(const Explanation& e, std::string& out) {
  out += fmt::format("\nOne token of decode\n  {:<24}{:<8}{:>10}{:>12}{:>12}\n", "part", "format",
                     "bytes", "operations", "ops / byte");
  const auto row = [&](std::string_view name, std::string_view format, uint64_t bytes,
                       uint64_t operations) {
    out += fmt::format(
        "  {:<24}{:<8}{:>10}{:>12}{:>12}\n", name, format, bytes_text(bytes),
        count_text(operations),
        three_digits(per_byte(static_cast<double>(operations), static_cast<double>(bytes))));
  };
  std::map<std::pair<measure::PartKind, std::string>, std::pair<uint64_t, uint64_t>> sums;
  for (const measure::ShapePart& part : e.shape.parts) {
    auto& [bytes, operations] = sums[{part.kind, part.format}];
    bytes += part.bytes;
    operations += 2 * part.elements;
  }
  for (const auto& [part, sum] : sums)
    row(measure::part_name(part.first), part.second, sum.first, sum.second);
  for (const ExplainedDepth& at : e.depths)
    row(fmt::format("cache at {}", at.depth), e.kv, at.decode.formula.work.kv_bytes,
        at.decode.formula.work.attention_ops);
}

void add_memory(const Explanation& e, std::string& out) {
  out +=
      fmt::format("\nMemory\n  weights {}, cache of {} tokens ({}) {}, buffers {}, together {}\n",
                  bytes_text(e.memory_bytes() - e.kv_bytes - e.buffer_bytes), e.context, e.kv,
                  bytes_text(e.kv_bytes), bytes_text(e.buffer_bytes), bytes_text(e.memory_bytes()));
  const measure::Figure& has = e.machine.memory_bytes;
  if (has.known())
    out += fmt::format("  the machine has {} ({}){}\n",
                       bytes_text(static_cast<uint64_t>(has.value)), source_name(has.source),
                       static_cast<double>(e.memory_bytes()) <= has.value
                           ? ""
                           : ": too little; the speeds below are as if it were enough");
}

/// Nothing of machines whose figures tell nothing of it.
void add_load(const Explanation& e, std::string& out) {
  const measure::Machine& m = e.machine;
  const measure::LoadTime time = measure::predict_load(e.shape.file_bytes, m);
  if (time.read_s.known())
    out += fmt::format("  reading the file {} s ({} GB/s from its disk, {})\n",
                       three_digits(time.read_s.value), three_digits(m.disk_bytes_s.value / 1e9),
                       source_name(time.read_s.source));
  if (time.pack_s.known())
    out += fmt::format(
        "  packing {} s ({} GB/s, {}): all of a load from memory; `handmill prepare` "
        "saves it\n",
        three_digits(time.pack_s.value), three_digits(m.pack_bytes_s.value / 1e9),
        source_name(time.pack_s.source));
  if (time.known()) out += fmt::format("  a cold load {} s\n", three_digits(time.cold_s()));
}

json::object load_json(const Explanation& e) {
  const measure::LoadTime time = measure::predict_load(e.shape.file_bytes, e.machine);
  return {{"read_s", measure::to_json(time.read_s)},
          {"pack_s", measure::to_json(time.pack_s)},
          {"cold_s", time.known() ? json::value(time.cold_s()) : json::value(nullptr)}};
}

/// "  Decode is corrected by 12 runs: ×1.07 at 0, ×1.05 at 4096."
void add_correction(std::string_view phase, const Explanation& e, Corrected ExplainedDepth::* which,
                    std::string& out) {
  const measure::Correction& first = (e.depths.front().*which).correction;
  if (!first.known()) return;
  out +=
      fmt::format("  {} is corrected by {} run{}", phase, first.runs, first.runs == 1 ? "" : "s");
  if (first.others > 0) out += fmt::format(" and {} of other models", first.others);
  std::string_view before = ": ";
  for (const ExplainedDepth& at : e.depths) {
    out += fmt::format("{}×{:.2f} at {}", before, (at.*which).correction.factor, at.depth);
    before = ", ";
  }
  out += " of the formula's seconds.\n";
}

void add_depths(const Explanation& e, std::string& out) {
  out += fmt::format(
      "\nPredicted, tokens a second (error bar)\n  {:<8}{:<28}{:<12}{:<28}{:<12}{}\n", "depth",
      "decode (TG)", "bound by", fmt::format("prefill {} (PP)", e.prompt), "bound by", "TTFT");
  for (const ExplainedDepth& at : e.depths)
    out += fmt::format("  {:<8}{:<28}{:<12}{:<28}{:<12}{} s\n", at.depth, speed_text(1, at.decode),
                       bound_of(at.decode.formula), speed_text(e.prompt, at.prefill),
                       bound_of(at.prefill.formula), three_digits(at.prefill.seconds()));
  if (e.depths.empty()) return;
  out += fmt::format("  They rest on {}.\n", basis_text(e.depths.front().decode.formula.basis));
  add_correction("Decode", e, &ExplainedDepth::decode, out);
  add_correction("Prefill", e, &ExplainedDepth::prefill, out);
}

json::value correction_json(const Corrected& corrected, double tokens) {
  const measure::Correction& correction = corrected.correction;
  if (!correction.known()) return nullptr;
  return json::object{{"factor", correction.factor},
                      {"runs", correction.runs},
                      {"runs_of_other_models", correction.others},
                      {"seconds", corrected.seconds()},
                      {"seconds_low", corrected.low()},
                      {"seconds_high", corrected.high()},
                      {"tok_s", tokens / corrected.seconds()}};
}

/// The formula's own, and beside it what past runs make of it.
json::object prediction_json(const Corrected& corrected, double tokens) {
  const Prediction& prediction = corrected.formula;
  const model::Work& work = prediction.work;
  return {{"seconds", prediction.seconds},
          {"seconds_low", prediction.low()},
          {"seconds_high", prediction.high()},
          {"tok_s", tokens / prediction.seconds},
          {"memory_s", prediction.memory_s},
          {"ops_s", prediction.ops_s},
          {"layers_s", prediction.layers_s},
          {"bound", bound_of(prediction)},
          {"basis", basis_text(prediction.basis)},
          {"bytes", work.bytes()},
          {"kv_bytes", work.kv_bytes},
          {"ops", work.ops()},
          {"attention_ops", work.attention_ops},
          {"ops_per_byte", per_byte(work)},
          {"corrected", correction_json(corrected, tokens)}};
}

}  // namespace

std::string explanation_text(const Explanation& explanation) {
  std::string out;
  add_machine(explanation, out);
  add_parts(explanation, out);
  add_memory(explanation, out);
  add_load(explanation, out);
  add_depths(explanation, out);
  return out + gpu_plan_text(explanation.gpu) + changes_text(explanation.changes);
}

std::string explanation_plot(const Explanation& e) {
  std::vector<measure::RooflinePoint> points;
  const auto add = [&](const std::string& name, const Prediction& prediction, bool prefill) {
    points.push_back({name, per_byte(prediction.work),
                      static_cast<double>(prediction.work.ops()) / prediction.seconds, prefill});
  };
  for (const ExplainedDepth& at : e.depths) {
    add(fmt::format("decode at {}", at.depth), at.decode.formula, false);
    add(fmt::format("prefill {} at {}", e.prompt, at.depth), at.prefill.formula, true);
  }
  return measure::roofline_svg(valid_utf8(e.model), e.machine, points);
}

json::object explanation_json(const Explanation& e) {
  json::array parts, depths;
  for (const measure::ShapePart& part : e.shape.parts)
    parts.push_back(json::object{{"part", measure::part_name(part.kind)},
                                 {"format", part.format},
                                 {"bytes", part.bytes},
                                 {"codings", part.codings},
                                 {"ops_per_token", 2 * part.elements}});
  for (const ExplainedDepth& at : e.depths)
    depths.push_back(json::object{{"depth", at.depth},
                                  {"decode", prediction_json(at.decode, 1)},
                                  {"prefill", prediction_json(at.prefill, e.prompt)}});
  return {{"model", valid_utf8(e.model)},
          {"shape_from", e.shape_from},
          {"machine", measure::to_json(e.machine)},
          {"note", e.note.empty() ? json::value(nullptr) : json::value(e.note)},
          {"ridge", e.machine.ridge()},
          {"parameters", e.shape.parameters},
          {"file_bytes", e.shape.file_bytes},
          {"embedding_row_bytes", e.shape.embedding_row_bytes},
          {"kv", e.kv},
          {"prompt", e.prompt},
          {"context", e.context},
          {"context_kv_bytes", e.kv_bytes},
          {"buffer_bytes", e.buffer_bytes},
          {"memory_bytes", e.memory_bytes()},
          {"load", load_json(e)},
          {"parts", std::move(parts)},
          {"depths", std::move(depths)},
          {"gpu", gpu_plan_json(e.gpu)},
          {"what_would_change_it", changes_json(e.changes)}};
}

}  // namespace handmill::cli
