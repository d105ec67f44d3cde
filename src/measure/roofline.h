// The roofline plot (Williams, Waterman, Patterson 2009) of a machine, with the work of a model in
// it, as one SVG without anything outside it.
#pragma once

#include <span>
#include <string>

#include "measure/machine.h"

namespace handmill::measure {

struct RooflinePoint {
  std::string name;  // "decode at 8192"
  double ops_per_byte = 0;
  double ops_s = 0;
  bool prefill = false;
};

/// Logarithmic both ways. REQUIRES: both roofs are known; every point is above 0.
std::string roofline_svg(const std::string& title, const Machine& machine,
                         std::span<const RooflinePoint> points);

}  // namespace handmill::measure
