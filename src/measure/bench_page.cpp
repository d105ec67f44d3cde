#include "measure/bench_page.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "measure/markup.h"
#include "measure/metrics.h"

namespace handmill::measure {
namespace {

constexpr std::string_view kHead = R"(<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem;
  color: #1c1c1e; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
.quiet { color: #5c5c63; font-size: .875rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-size: .875rem }
th, td { padding: .25rem .75rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid #e2e4e9 }
th:first-child, td:first-child { text-align: left }
dt { font-weight: 600 } dd { margin: 0 0 .5rem 0 }
svg { width: 100%; height: auto }
svg text { font: 13px system-ui, sans-serif; fill: #1c1c1e }
.track { fill: #eef0f3 } .bar { fill: #c2571a }
.line { stroke: #c2571a; stroke-width: 2; fill: none }
.roof { stroke: #5c5c63; stroke-dasharray: 4 3; fill: none } .dot { fill: #c2571a }
.grid { stroke: #e2e4e9 }
@media (prefers-color-scheme: dark) {
  body { color: #ececf0; background: #17181b } svg text { fill: #ececf0 }
  .quiet { color: #a4a6ae } th, td { border-color: #2c2f36 } .track { fill: #24262b }
  .bar, .dot { fill: #ee8a4c } .line { stroke: #ee8a4c } .roof { stroke: #a4a6ae }
  .grid { stroke: #2c2f36 }
}
@media print { body { max-width: none } h2 { break-after: avoid } svg { break-inside: avoid } }
</style>
)";

std::string number(double value) {
  return value >= 100 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}

/// By the metric's unit, which is its name's end.
std::string value_text(std::string_view metric, double value) {
  if (metric.starts_with("of_")) return fmt::format("{:.0f} %", 100 * value);
  if (metric == "read_bytes_s") return number(value / 1e9) + " GB/s";
  if (metric == "int8_ops_s") return number(value / 1e9) + " GOP/s";
  if (metric.ends_with("tok_s")) return number(value) + " tok/s";
  return value < 1 ? number(value * 1e3) + " ms" : number(value) + " s";
}

/// One model in one setting.
std::string setting_of(const BenchResult& result) {
  std::string out = result.model;
  if (!result.kv.empty()) out += ", kv " + result.kv;
  if (!result.backend.empty()) out += ", " + result.backend;
  return out;
}

struct Bar {
  std::string label;
  double value;
  std::string text;
};

/// Bars below one another, the longest as long as there is room.
std::string bars(const std::vector<Bar>& all) {
  constexpr double kRow = 30, kLeft = 190, kRight = 110, kWidth = 720;
  double most = 0;
  for (const Bar& bar : all) most = std::max(most, bar.value);
  const double height = kRow * static_cast<double>(all.size()) + 8;
  std::string out = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\">\n", kWidth, height);
  for (size_t i = 0; i < all.size(); ++i) {
    const double y = 4 + kRow * static_cast<double>(i), room = kWidth - kLeft - kRight;
    const double length = most > 0 ? room * all[i].value / most : 0;
    out += fmt::format(
        "<text x=\"{0}\" y=\"{1}\" text-anchor=\"end\">{2}</text>"
        "<rect class=\"track\" x=\"{3}\" y=\"{4}\" width=\"{5}\" height=\"16\"/>"
        "<rect class=\"bar\" x=\"{3}\" y=\"{4}\" width=\"{6:.1f}\" height=\"16\"/>"
        "<text x=\"{7}\" y=\"{1}\">{8}</text>\n",
        kLeft - 10, y + 17, escaped(all[i].label), kLeft, y + 4, room, length, kWidth - kRight + 10,
        escaped(all[i].text));
  }
  return out + "</svg>\n";
}

struct DepthPoint {
  int depth;
  double speed;
  std::optional<double> roof;
};

/// Speed over depth, from 0 up, with the roof above it.
std::string depth_plot(const std::vector<DepthPoint>& points) {
  constexpr double kWidth = 720, kHeight = 300, kLeft = 70, kTop = 16, kBottom = 44, kRight = 20;
  double most = 0;
  const double last = std::max(1, points.back().depth);
  for (const DepthPoint& point : points)
    most = std::max({most, point.speed, point.roof.value_or(0)});
  const auto x = [&](int depth) { return kLeft + (kWidth - kLeft - kRight) * depth / last; };
  const auto y = [&](double speed) {
    return kHeight - kBottom - (kHeight - kTop - kBottom) * speed / most;
  };
  std::string out = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\">\n", kWidth, kHeight);
  for (const double part : {0.0, 0.5, 1.0})
    out += fmt::format(
        "<path class=\"grid\" d=\"M{} {:.1f}H{}\"/><text x=\"{}\" y=\"{:.1f}\" "
        "text-anchor=\"end\">{}</text>\n",
        kLeft, y(part * most), kWidth - kRight, kLeft - 8, y(part * most) + 4, number(part * most));
  std::string line, roof, dots;
  for (const DepthPoint& point : points) {
    line +=
        fmt::format("{}{:.1f} {:.1f}", line.empty() ? "M" : "L", x(point.depth), y(point.speed));
    if (point.roof)
      roof +=
          fmt::format("{}{:.1f} {:.1f}", roof.empty() ? "M" : "L", x(point.depth), y(*point.roof));
    dots += fmt::format(
        "<circle class=\"dot\" cx=\"{0:.1f}\" cy=\"{1:.1f}\" r=\"4\"/><text x=\"{0:.1f}\" "
        "y=\"{2}\" "
        "text-anchor=\"middle\">{3}</text>\n",
        x(point.depth), y(point.speed), kHeight - 24, point.depth);
  }
  out += fmt::format("<path class=\"line\" d=\"{}\"/>\n", line);
  if (!roof.empty()) out += fmt::format("<path class=\"roof\" d=\"{}\"/>\n", roof);
  return out + dots +
         fmt::format(
             "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">tokens before</text>\n</svg>\n",
             kWidth / 2, kHeight - 6);
}

/// The tokens a second that the nearer roof allows.
std::optional<double> roof_of(const BenchResult& result) {
  const auto share = result.median(result.read_binds() ? "of_read_roof" : "of_int8_roof");
  const auto speed = result.median("tok_s");
  if (!speed || !share || *share <= 0) return {};
  return *speed / *share;
}

using Group = std::vector<const BenchResult*>;

std::string speeds(const Group& group) {
  std::vector<Bar> all;
  std::map<std::string, std::vector<DepthPoint>> by_test;
  for (const BenchResult* result : group) {
    const auto speed = result->median("tok_s");
    if (!result->work || !speed) continue;
    const auto roof = roof_of(*result);
    all.push_back({title_of(result->test), roof ? *speed / *roof : 0,
                   roof ? fmt::format("{:.0f} % of roof", 100 * *speed / *roof) : "no roof"});
    if (result->test.batch == 1)
      by_test[result->test.name].push_back({result->test.depth, *speed, roof});
  }
  if (all.empty()) return "";
  std::string out = "<h3>Of the roof that is nearer</h3>\n" + bars(all);
  for (auto& [name, points] : by_test) {
    std::ranges::sort(points, {}, &DepthPoint::depth);
    if (points.front().depth == points.back().depth) continue;
    out += fmt::format("<h3>{} by depth, tokens a second; dashed: the roof</h3>\n{}", escaped(name),
                       depth_plot(points));
  }
  return out;
}

std::string requests(const Group& group) {
  std::string out;
  for (const std::string_view name :
       {"ttft_s", "tpot_s", "tg_tok_s", "gap_p50_s", "gap_p90_s", "gap_p99_s", "e2e_s"}) {
    std::vector<Bar> all;
    for (const BenchResult* result : group)
      if (const auto value = result->median(name); value && !result->work)
        all.push_back({title_of(result->test), *value, value_text(name, *value)});
    if (!all.empty()) out += fmt::format("<h3>{}</h3>\n{}", escaped(metric(name).label), bars(all));
  }
  return out;
}

std::string table(const Group& group, double tight) {
  std::vector<const Metric*> shown;
  for (const Metric& one : metrics())
    if (std::ranges::any_of(group,
                            [&](const BenchResult* r) { return r->find(one.name) != nullptr; }))
      shown.push_back(&one);
  std::string out = "<div class=\"wide\"><table><thead><tr><th>test</th><th>repeats</th>";
  for (const Metric* one : shown) out += fmt::format("<th>{}</th>", escaped(one->label));
  out += "</tr></thead><tbody>\n";
  for (const BenchResult* result : group) {
    out += fmt::format("<tr><td>{}</td><td>{}</td>", escaped(title_of(result->test)),
                       result->repeats());
    for (const Metric* one : shown) {
      const Series* series = result->find(one->name);
      out += "<td>";
      if (series != nullptr) {
        const Verdict verdict = judge_runs(series->runs, tight);
        out += escaped(value_text(one->name, verdict.median));
        if (verdict.within) out += fmt::format(" ±{:.1f} %", 100 * *verdict.within);
      }
      out += "</td>";
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string machine_text(const BenchRecord& record) {
  const Environment& at = record.environment;
  std::string out = fmt::format(
      "<p class=\"quiet\">handmill {}, {}; {}; {}, {}, {} threads usable, "
      "{:.0f} GB of memory, Linux {}.",
      escaped(at.version), escaped(at.compiler), escaped(at.started), escaped(at.cpu),
      escaped(at.isa), at.threads_usable, static_cast<double>(at.memory_bytes) / 1e9,
      escaped(at.kernel));
  if (at.target != "engine") out += " Measured at " + escaped(at.target) + ".";
  out += "</p>\n";
  for (const BenchResult& result : record.results)
    for (const std::string& note : noise_of(result, record.tight))
      out += fmt::format("<p class=\"quiet\">noisy: {}</p>\n", escaped(note));
  return out;
}

std::string definitions() {
  std::string out = "<h2>What the figures mean</h2>\n<dl>\n";
  const auto add = [&](const Metric& one) {
    out += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(one.label), escaped(one.definition));
  };
  for (const Metric& one : metrics()) add(one);
  for (const Metric& one : metric_statistics()) add(one);
  return out + "</dl>\n";
}

}  // namespace

std::string bench_page(const BenchRecord& record) {
  std::vector<std::pair<std::string, Group>> groups;
  for (const BenchResult& result : record.results) {
    const std::string setting = setting_of(result);
    auto at = std::ranges::find(groups, setting, &std::pair<std::string, Group>::first);
    if (at == groups.end()) at = groups.insert(groups.end(), {setting, {}});
    at->second.push_back(&result);
  }
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n" + std::string(kHead) +
                    "<title>handmill bench</title>\n</head>\n<body>\n<h1>handmill bench</h1>\n" +
                    machine_text(record);
  for (const auto& [setting, group] : groups)
    out += fmt::format("<h2>{}</h2>\n", escaped(setting)) + speeds(group) + requests(group) +
           table(group, record.tight);
  return out + definitions() + "</body>\n</html>\n";
}

}  // namespace handmill::measure
