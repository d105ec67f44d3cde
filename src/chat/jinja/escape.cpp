// The five characters that markupsafe escapes.
#include "chat/jinja/escape.h"

namespace handmill::chat::jinja {

Marked escaped(const Marked& text) {
  if (text.safe) return text;
  Marked out;
  out.safe = true;
  std::string_view view = text.view();
  for (size_t at = 0; at < view.size() && !out.overflowed();) {
    size_t next = std::min(view.find_first_of("&<>\"'", at), view.size());
    out.append(text, at, next);
    if (next == view.size()) break;
    char c = view[next];
    out.append(c == '&'   ? "&amp;"
               : c == '<' ? "&lt;"
               : c == '>' ? "&gt;"
               : c == '"' ? "&#34;"
                          : "&#39;",
               text.user_at(next));
    at = next + 1;
  }
  return out;
}

}  // namespace handmill::chat::jinja
