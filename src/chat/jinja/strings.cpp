// Cutting, joining and padding of marked strings.
#include "chat/jinja/strings.h"

#include <algorithm>

#include "chat/jinja/compare.h"
#include "chat/jinja/escape.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/limits.h"
#include "chat/jinja/repr.h"
#include "chat/jinja/utf8.h"

namespace handmill::chat::jinja {
namespace {

std::u32string sorted_set(const Marked& characters) {
  std::u32string set;
  for (size_t at = 0; at < characters.size();) set += next_code_point(characters.view(), at);
  std::sort(set.begin(), set.end());
  return set;
}

/// Appends a part to a list of parts; a part costs two steps, since it takes some memory.
Status push_part(Interpreter& in, std::vector<Value>& parts, const Marked& text, size_t begin,
                 size_t end) {
  HANDMILL_OK(in.spend(1));
  HANDMILL_TRY(Value part, in.text(text.slice(begin, end)));
  parts.push_back(std::move(part));
  return {};
}

Result<std::vector<Value>> split_spaces(Interpreter& in, const Marked& text, Int most) {
  std::vector<Value> parts;
  std::string_view view = text.view();
  size_t at = 0;
  for (;;) {
    size_t begin = at;
    while (begin < view.size()) {
      size_t next = begin;
      if (!is_space(next_code_point(view, next))) break;
      begin = next;
    }
    if (begin == view.size()) return parts;
    if (most >= 0 && Int{parts.size()} >= most) {
      HANDMILL_OK(push_part(in, parts, text, begin, view.size()));
      return parts;
    }
    size_t end = begin;
    while (end < view.size()) {
      size_t next = end;
      if (is_space(next_code_point(view, next))) break;
      end = next;
    }
    HANDMILL_OK(push_part(in, parts, text, begin, end));
    at = end;
  }
}

Result<std::vector<Value>> split_spaces_right(Interpreter& in, const Marked& text, Int most) {
  std::vector<Value> parts;
  std::string_view view = text.view();
  auto space_before = [&](size_t at) {
    size_t start = previous_offset(view, at);
    return is_space(next_code_point(view, start));
  };
  size_t end = view.size();
  for (;;) {
    while (end > 0 && space_before(end)) end = previous_offset(view, end);
    if (end == 0) break;
    if (most >= 0 && Int{parts.size()} >= most) {
      HANDMILL_OK(push_part(in, parts, text, 0, end));
      break;
    }
    size_t begin = end;
    while (begin > 0 && !space_before(begin)) begin = previous_offset(view, begin);
    HANDMILL_OK(push_part(in, parts, text, begin, end));
    end = begin;
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

Result<std::vector<Value>> split_right(Interpreter& in, const Marked& text, const Marked& separator,
                                       Int most) {
  std::vector<Value> parts;
  size_t end = text.size();
  while (most < 0 || Int{parts.size()} < most) {
    HANDMILL_TRY(size_t at, find_last(in, text.view().substr(0, end), separator.view()));
    if (at == std::string_view::npos) break;
    HANDMILL_OK(push_part(in, parts, text, at + separator.size(), end));
    end = at;
  }
  HANDMILL_OK(push_part(in, parts, text, 0, end));
  std::reverse(parts.begin(), parts.end());
  return parts;
}

}  // namespace

Marked stripped(const Marked& text, const Marked* characters, Side side) {
  std::u32string set = characters ? sorted_set(*characters) : std::u32string();
  auto goes = [&](char32_t c) {
    return characters ? std::binary_search(set.begin(), set.end(), c) : is_space(c);
  };
  std::string_view view = text.view();
  size_t begin = 0, end = view.size();
  while (side != Side::kRight && begin < end) {
    size_t next = begin;
    if (!goes(next_code_point(view, next))) break;
    begin = next;
  }
  while (side != Side::kLeft && end > begin) {
    size_t start = previous_offset(view, end), next = start;
    if (!goes(next_code_point(view, next))) break;
    end = start;
  }
  return text.slice(begin, end);
}

Result<Value> replaced(Interpreter& in, const Marked& text, const Marked& from, const Marked& to,
                       Int count) {
  Marked out;
  out.safe = text.safe;
  size_t at = 0;
  for (Int n = 0; (count < 0 || n < count) && !out.overflowed(); ++n) {
    if (from.empty()) {
      // Before each character, and at the end.
      out.append(to);
      if (at == text.size()) return in.text(std::move(out));
      size_t begin = at;
      next_code_point(text.view(), at);
      out.append(text, begin, at);
    } else {
      size_t found = find_text(text.view(), from.view(), at);
      if (found == std::string_view::npos) break;
      out.append(text, at, found);
      out.append(to);
      at = found + from.size();
    }
  }
  out.append(text, at, text.size());
  return in.text(std::move(out));
}

Marked capitalized(const Marked& text) {
  Marked out;
  out.safe = text.safe;
  for (size_t at = 0; at < text.size();) {
    size_t begin = at;
    next_code_point(text.view(), at);
    append_in_case(out, text, begin, at, begin == 0 ? Case::kTitle : Case::kLower);
  }
  return out;
}

Result<std::vector<Value>> split_lines(Interpreter& in, const Marked& text, bool keep_ends) {
  std::vector<Value> lines;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    char32_t c = next_code_point(text.view(), at);
    if (!is_line_break(c)) continue;
    if (c == '\r' && at < text.size() && text.view()[at] == '\n') ++at;
    HANDMILL_OK(push_part(in, lines, text, begin, keep_ends ? at : end));
    begin = at;
  }
  if (begin < text.size()) HANDMILL_OK(push_part(in, lines, text, begin, text.size()));
  return lines;
}

Result<std::vector<Value>> split(Interpreter& in, const Marked& text, const Marked* separator,
                                 Int most, bool from_right) {
  if (!separator) {
    return from_right ? split_spaces_right(in, text, most) : split_spaces(in, text, most);
  }
  if (separator->empty()) return base::invalid("empty separator");
  if (from_right) return split_right(in, text, *separator, most);
  std::vector<Value> parts;
  size_t at = 0;
  while (most < 0 || Int{parts.size()} < most) {
    size_t found = find_text(text.view(), separator->view(), at);
    if (found == std::string_view::npos) break;
    HANDMILL_OK(push_part(in, parts, text, at, found));
    at = found + separator->size();
  }
  HANDMILL_OK(push_part(in, parts, text, at, text.size()));
  return parts;
}

Result<Value> justified(Interpreter& in, const Marked& text, Int width, const Marked& fill,
                        Side side) {
  if (code_points(fill.view()) != 1) {
    return base::invalid("The fill character must be exactly one character long");
  }
  Int length = Int{code_points(text.view())};
  Int pad = width > length ? width - length : 0;
  if (pad > Int{kTextBytesMax}) return base::limit("string bytes: more than {}", kTextBytesMax);
  Int left = side == Side::kLeft ? 0 : side == Side::kRight ? pad : pad / 2 + (pad & width & 1);
  Marked out;
  out.append_repeated(fill, static_cast<size_t>(left));
  out.append(text);
  out.append_repeated(fill, static_cast<size_t>(pad - left));
  out.safe = text.safe;
  return in.text(std::move(out));
}

Result<Value> joined(Interpreter& in, const Marked& separator, const Items& items, bool strict) {
  Marked out;
  bool first = true;
  for (const Value& item : items) {
    HANDMILL_OK(in.spend());
    if (!first) out.append(separator);
    first = false;
    if (strict && !item.text()) {
      return base::invalid("sequence item: expected str instance, {} found", item.type_name());
    }
    if (strict && separator.safe) {
      out.append(escaped(*item.text()));
    } else {
      HANDMILL_OK(append_str(in, item, out));
    }
    if (out.overflowed()) break;
  }
  out.safe = strict && separator.safe;
  return in.text(std::move(out));
}

Result<size_t> find_last(Interpreter& in, std::string_view text, std::string_view needle) {
  constexpr size_t kNaiveUpTo = 32;  // longer needles could make rfind's search quadratic
  if (needle.size() > text.size()) return std::string_view::npos;
  size_t found = std::string_view::npos;
  if (needle.size() <= kNaiveUpTo) {
    found = text.rfind(needle);
  } else {
    // Knuth, Morris and Pratt, from the back.
    HANDMILL_OK(in.spend_bytes(needle.size() * 4));
    size_t n = text.size(), m = needle.size();
    std::vector<uint32_t> border(m, 0);
    for (size_t i = 1, k = 0; i < m; ++i) {
      while (k > 0 && needle[m - 1 - i] != needle[m - 1 - k]) k = border[k - 1];
      if (needle[m - 1 - i] == needle[m - 1 - k]) ++k;
      border[i] = static_cast<uint32_t>(k);
    }
    for (size_t i = 0, k = 0; i < n; ++i) {
      while (k > 0 && text[n - 1 - i] != needle[m - 1 - k]) k = border[k - 1];
      if (text[n - 1 - i] == needle[m - 1 - k]) ++k;
      if (k == m) {
        found = n - 1 - i;
        break;
      }
    }
  }
  HANDMILL_OK(in.spend_bytes(found == std::string_view::npos ? text.size() : text.size() - found));
  return found;
}

}  // namespace handmill::chat::jinja
