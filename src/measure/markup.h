// Text in SVG and HTML: what anybody named cannot become markup.
#pragma once

#include <string>
#include <string_view>

namespace handmill::measure {

/// As text or as an attribute's value; control characters, which XML has not, are left out.
inline std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20) out += c;
    }
  }
  return out;
}

}  // namespace handmill::measure
