#include "measure/roofline.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <string_view>
#include <vector>

#include "measure/markup.h"

namespace handmill::measure {
namespace {

constexpr double kWidth = 720, kHeight = 480, kLeft = 76, kRight = 24, kTop = 76, kBottom = 60;

constexpr std::string_view kStyle = R"(<style>
text { font: 13px system-ui, sans-serif; fill: #1c1c1e }
.page { fill: #ffffff } .title { font-size: 17px; font-weight: 600 }
.small { font-size: 11px; fill: #5c5c63 } .grid { stroke: #e2e4e9 }
.roof { stroke: #1c1c1e; stroke-width: 2; fill: none }
.ridge { stroke: #8e97a6; stroke-dasharray: 4 3 }
.prefill { fill: #c2571a } .decode { fill: #2b6cb0 }
@media (prefers-color-scheme: dark) {
  text { fill: #ececf0 } .page { fill: #17181b } .small { fill: #a4a6ae } .grid { stroke: #2c2f36 }
  .roof { stroke: #ececf0 } .prefill { fill: #ee8a4c } .decode { fill: #63a4e8 }
}
</style>
)";

/// Whole powers of ten around what is shown.
struct Axis {
  int low, high;
  double begin, end;  // where they are drawn
  double at(double value) const {
    return begin + (end - begin) * (std::log10(value) - low) / (high - low);
  }
};
Axis axis(double least, double most, double begin, double end) {
  const int low = static_cast<int>(std::floor(std::log10(least)));
  return {low, std::max(static_cast<int>(std::ceil(std::log10(most))), low + 1), begin, end};
}

std::string power_text(int power) {
  return power >= 0 && power <= 3 ? fmt::format("{:.0f}", std::pow(10, power))
                                  : fmt::format("10^{}", power);
}

std::string grid(const Axis& x, const Axis& y) {
  std::string out;
  for (int power = x.low; power <= x.high; ++power) {
    const double at = x.at(std::pow(10, power));
    out += fmt::format(
        "<path class=\"grid\" d=\"M{0:.1f} {1}V{2}\"/><text class=\"small\" x=\"{0:.1f}\" "
        "y=\"{3}\" text-anchor=\"middle\">{4}</text>\n",
        at, y.end, y.begin, y.begin + 18, power_text(power));
  }
  for (int power = y.low; power <= y.high; ++power) {
    const double at = y.at(std::pow(10, power));
    out += fmt::format(
        "<path class=\"grid\" d=\"M{1} {0:.1f}H{2}\"/><text class=\"small\" x=\"{3}\" "
        "y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>\n",
        at, x.begin, x.end, x.begin - 8, at + 4, power_text(power - 9));
  }
  return out;
}

std::string roofs(const Machine& machine, const Axis& x, const Axis& y) {
  const double beta = machine.read_bytes_s.value, pi = machine.ops_s.value, ridge = machine.ridge();
  const double left = std::max(std::pow(10, x.low), std::pow(10, y.low) / beta);
  return fmt::format(
      "<path class=\"roof\" d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}H{}\"/>\n"
      "<path class=\"ridge\" d=\"M{:.1f} {:.1f}V{}\"/>\n"
      "<text class=\"small\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">ridge {:.1f}</text>\n",
      x.at(left), y.at(left * beta), x.at(ridge), y.at(pi), x.end, x.at(ridge), y.at(pi), y.begin,
      x.at(ridge), y.end - 6, ridge);
}

std::string dots(std::span<const RooflinePoint> points, const Axis& x, const Axis& y) {
  std::string out;
  for (const RooflinePoint& point : points) {
    const double px = x.at(point.ops_per_byte), py = y.at(point.ops_s);
    // Names stand where there is room: left of what is far right.
    const bool left = px > kWidth * 0.6;
    out += fmt::format(
        "<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4.5\"/>"
        "<text class=\"small\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n",
        point.prefill ? "prefill" : "decode", px, py, px + (left ? -9 : 9), py + 14,
        left ? "end" : "start", escaped(point.name));
  }
  return out;
}

}  // namespace

std::string roofline_svg(const std::string& title, const Machine& machine,
                         std::span<const RooflinePoint> points) {
  double least_x = machine.ridge(), most_x = machine.ridge(), least_y = machine.ops_s.value;
  for (const RooflinePoint& point : points) {
    least_x = std::min(least_x, point.ops_per_byte);
    most_x = std::max(most_x, point.ops_per_byte);
    least_y = std::min(least_y, point.ops_s);
  }
  const Axis x = axis(least_x, most_x, kLeft, kWidth - kRight);
  const Axis y = axis(least_y, machine.ops_s.value, kHeight - kBottom, kTop);
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" role=\"img\" "
             "aria-label=\"Roofline\">\n{2}<rect class=\"page\" width=\"{0}\" height=\"{1}\"/>\n"
             "<text class=\"title\" x=\"{3}\" y=\"28\">{4}</text>\n"
             "<text class=\"small\" x=\"{3}\" y=\"48\">{5}: {6:.1f} GB/s ({7}), {8:.0f} GOP/s "
             "({9}); "
             "points are predicted</text>\n",
             kWidth, kHeight, kStyle, kLeft, escaped(title), escaped(machine.name),
             machine.read_bytes_s.value / 1e9, source_name(machine.read_bytes_s.source),
             machine.ops_s.value / 1e9, source_name(machine.ops_s.source)) +
         grid(x, y) + roofs(machine, x, y) + dots(points, x, y) +
         fmt::format(
             "<text x=\"{:.0f}\" y=\"{}\" text-anchor=\"middle\">operations on a byte</text>\n"
             "<text transform=\"translate(20 {:.0f}) rotate(-90)\" text-anchor=\"middle\">GOP/s"
             "</text>\n</svg>\n",
             (x.begin + x.end) / 2, kHeight - 16, (y.begin + y.end) / 2);
}

}  // namespace handmill::measure
