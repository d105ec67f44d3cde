#include "measure/roofline.h"

#include <gtest/gtest.h>

namespace handmill::measure {
namespace {

Machine machine_of(double bytes_s, double ops_s) {
  Machine machine;
  machine.name = "A & B";
  machine.read_bytes_s = {bytes_s, Source::kGiven};
  machine.ops_s = {ops_s, Source::kMeasured};
  return machine;
}

double number_after(const std::string& text, const std::string& words) {
  const size_t at = text.find(words);
  EXPECT_NE(at, std::string::npos) << words;
  return at == std::string::npos ? 0 : std::stod(text.substr(at + words.size()));
}

TEST(Roofline, APointOnTheRoofIsDrawnOnIt) {
  const RooflinePoint points[] = {{"decode at 0", 1, 1e9, false}, {"prefill", 1000, 1e11, true}};
  const std::string svg = roofline_svg("m <x>", machine_of(1e9, 1e11), points);
  // From (1, 10^9) to the ridge (100, 10^11); the axes show 1 to 1000 and 10^9 to 10^11.
  const double left = number_after(svg, "class=\"roof\" d=\"M");
  EXPECT_NEAR(number_after(svg, "class=\"decode\" cx=\""), left, 0.11);
  EXPECT_NEAR(left, 76, 0.11);
  EXPECT_NEAR(number_after(svg, "class=\"ridge\" d=\"M"), 76 + 620 * 2 / 3.0, 0.11);
  EXPECT_NEAR(number_after(svg, "class=\"prefill\" cx=\""), 76 + 620, 0.11);
  EXPECT_NE(svg.find("ridge 100.0"), std::string::npos);
}

TEST(Roofline, NamesCannotBecomeMarkup) {
  const RooflinePoint points[] = {{"<script>\n\"", 1, 1e9, false}};
  const std::string svg = roofline_svg("</svg>&", machine_of(1e9, 1e11), points);
  EXPECT_EQ(svg.find("<script"), std::string::npos);
  EXPECT_NE(svg.find("&lt;script&gt;&quot;"), std::string::npos);
  EXPECT_NE(svg.find("&lt;/svg&gt;&amp;"), std::string::npos);
  EXPECT_NE(svg.find("A &amp; B"), std::string::npos);
}

}  // namespace
}  // namespace handmill::measure
