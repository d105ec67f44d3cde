// Follows the rules of Jinja2's lexer in their order; the quirks (a name right behind a number, one
// newline eaten behind a block) are its own.
#include "chat/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "chat/jinja/limits.h"
#include "chat/jinja/string_literal.h"
#include "chat/jinja/utf8.h"

namespace handmill::chat::jinja {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

/// One newline form, and without the last newline, as Jinja2 takes its sources.
std::string normalized(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
      out += '\n';
    } else {
      out += source[i];
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  Result<std::vector<Token>> run() {
    while (at_ < source_.size()) HANDMILL_OK(template_text());
    push(TokenType::kEnd, {});
    return std::move(tokens_);
  }

 private:
  char peek(size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }
  bool looking_at(std::string_view text) const { return source_.substr(at_).starts_with(text); }

  /// Moves to `offset`, counting lines.
  void advance_to(size_t offset) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<ptrdiff_t>(at_),
                                         source_.begin() + static_cast<ptrdiff_t>(offset), '\n'));
    at_ = offset;
  }
  size_t spaces_end(size_t from) const {
    while (from < source_.size()) {
      size_t next = from;
      if (!is_space(next_code_point(source_, next))) break;
      from = next;
    }
    return from;
  }
  void push(TokenType type, std::string text) { tokens_.push_back({type, line_, std::move(text)}); }

  template <class... Args>
  Error fail(fmt::format_string<Args...> text, Args&&... args) const {
    return base::invalid("line {}: {}", line_, fmt::format(text, std::forward<Args>(args)...));
  }

  /// The text before a tag, cut by the tag's sign or by lstrip_blocks.
  std::string_view cut(std::string_view text, char sign, bool variable) const {
    if (sign == '-') {
      size_t end = text.size();
      while (end > 0) {
        size_t start = previous_offset(text, end), next = start;
        if (!is_space(next_code_point(text, next))) break;
        end = start;
      }
      return text.substr(0, end);
    }
    if (sign == '+' || variable) return text;
    size_t newline = text.rfind('\n');
    size_t line = newline == std::string_view::npos ? 0 : newline + 1;
    if (line == 0 && !line_starting_) return text;
    for (size_t i = line; i < text.size();) {
      if (!is_space(next_code_point(text, i))) return text;
    }
    return text.substr(0, line);
  }

  char sign_at(size_t offset) const {
    char c = offset < source_.size() ? source_[offset] : '\0';
    return c == '-' || c == '+' ? c : '\0';
  }

  /// End of a tag that closes with `close` at `offset`: "-%}" eats all space behind it, "%}" one
  /// newline, "+%}" nothing; npos where it does not close here.
  size_t close_end(size_t offset, std::string_view close, bool trims) const {
    char sign = sign_at(offset);
    if (sign == '+' && !trims) sign = '\0';
    size_t body = offset + (sign ? 1 : 0);
    if (!source_.substr(body).starts_with(close)) return std::string_view::npos;
    size_t end = body + close.size();
    if (sign == '-') return spaces_end(end);
    if (!sign && trims && end < source_.size() && source_[end] == '\n') ++end;
    return end;
  }

  Status template_text() {
    size_t open = at_;
    for (;; ++open) {
      open = source_.find('{', open);
      if (open == std::string_view::npos || open + 1 >= source_.size()) {
        push(TokenType::kText, std::string(source_.substr(at_)));
        advance_to(source_.size());
        return {};
      }
      if (std::string_view("{%#").find(source_[open + 1]) != std::string_view::npos) break;
    }
    char kind = source_[open + 1];
    char sign = sign_at(open + 2);
    std::string_view text = cut(source_.substr(at_, open - at_), sign, kind == '{');
    if (!text.empty()) push(TokenType::kText, std::string(text));
    advance_to(open);
    size_t inside = open + 2 + (sign ? 1 : 0);
    if (kind == '#') return comment(inside);
    if (kind == '%') {
      if (size_t raw_at = raw_begin(inside); raw_at != std::string_view::npos) return raw(raw_at);
    }
    return tag(kind == '{', inside);
  }

  Status comment(size_t inside) {
    size_t close = source_.find("#}", inside);
    if (close == std::string_view::npos) return fail("missing end of comment tag");
    if (close > inside && sign_at(close - 1)) --close;
    finish(close_end(close, "#}", true));
    return {};
  }

  void finish(size_t end) {
    line_starting_ = source_[end - 1] == '\n';
    advance_to(end);
  }

  /// Where the text of a raw block starts, if the tag is "{% raw %}".
  size_t raw_begin(size_t inside) const {
    size_t name = spaces_end(inside);
    if (!source_.substr(name).starts_with("raw")) return std::string_view::npos;
    size_t close = spaces_end(name + 3);
    if (sign_at(close) == '+') return std::string_view::npos;
    return close_end(close, "%}", false);
  }

  Status raw(size_t begin) {
    line_starting_ = source_[begin - 1] == '\n';
    int line = line_;
    for (size_t open = begin; (open = source_.find("{%", open)) != std::string_view::npos; ++open) {
      char sign = sign_at(open + 2);
      size_t name = spaces_end(open + 2 + (sign ? 1 : 0));
      if (!source_.substr(name).starts_with("endraw")) continue;
      size_t end = close_end(spaces_end(name + 6), "%}", true);
      if (end == std::string_view::npos) continue;
      advance_to(begin);
      std::string_view text = cut(source_.substr(begin, open - begin), sign, false);
      if (!text.empty()) push(TokenType::kText, std::string(text));
      finish(end);
      return {};
    }
    line_ = line;
    return fail("missing end of raw directive");
  }

  Status tag(bool variable, size_t inside) {
    push(variable ? TokenType::kVariableBegin : TokenType::kBlockBegin, {});
    line_starting_ = false;
    advance_to(inside);
    std::string open_brackets;
    while (at_ < source_.size()) {
      if (open_brackets.empty()) {
        size_t end = close_end(at_, variable ? "}}" : "%}", !variable);
        if (end != std::string_view::npos) {
          push(variable ? TokenType::kVariableEnd : TokenType::kBlockEnd, {});
          finish(end);
          return {};
        }
      }
      if (size_t end = spaces_end(at_); end != at_) {
        advance_to(end);
        continue;
      }
      HANDMILL_OK(token(open_brackets));
    }
    return {};
  }

  Status token(std::string& open_brackets) {
    char c = peek();
    if (digit(c)) return number();
    if (c == '"' || c == '\'') return string(c);
    size_t end = at_;
    while (end < source_.size()) {
      size_t next = end;
      if (!is_word(next_code_point(source_, next))) break;
      end = next;
    }
    if (end != at_) {
      push(TokenType::kName, std::string(source_.substr(at_, end - at_)));
      at_ = end;
      return {};
    }
    return operator_(open_brackets);
  }

  /// Digits with single underscores between them, from `offset`; returns their end.
  template <class IsDigit>
  size_t digits_end(size_t offset, IsDigit is_digit_of) const {
    size_t end = offset;
    while (offset < source_.size()) {
      if (is_digit_of(source_[offset])) {
        end = ++offset;
      } else if (source_[offset] == '_' && end == offset && end > at_) {
        ++offset;
      } else {
        break;
      }
    }
    return end;
  }

  /// End of a float literal at the cursor, or the cursor.
  size_t float_end() const {
    if (at_ > 0 && source_[at_ - 1] == '.') return at_;
    size_t whole = digits_end(at_, digit), end = whole;
    bool is_float = false;
    if (end + 1 < source_.size() && source_[end] == '.' && digit(source_[end + 1])) {
      end = digits_end(end + 1, digit);
      is_float = true;
    }
    if (end < source_.size() && (source_[end] | 0x20) == 'e') {
      size_t exponent = end + 1 + (sign_at(end + 1) ? 1 : 0);
      if (exponent < source_.size() && digit(source_[exponent])) {
        end = digits_end(exponent, digit);
        is_float = true;
      }
    }
    return is_float ? end : at_;
  }

  Status number() {
    if (size_t end = float_end(); end != at_) {
      std::string text(source_.substr(at_, end - at_));
      std::erase(text, '_');
      Token token{TokenType::kFloat, line_, {}};
      token.number = std::strtod(text.c_str(), nullptr);
      tokens_.push_back(std::move(token));
      at_ = end;
      return {};
    }
    int base = 10;
    size_t begin = at_, end = 0;
    auto in_base = [&](char c) {
      int v = digit(c)                                 ? c - '0'
              : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                       : 99;
      return v < base;
    };
    if (peek() == '0') {
      char prefix = static_cast<char>(peek(1) | 0x20);
      int prefixed = prefix == 'x' ? 16 : prefix == 'o' ? 8 : prefix == 'b' ? 2 : 0;
      if (prefixed) {
        base = prefixed;
        begin = at_ + 2;
        end = digits_end(begin, in_base);
      }
      if (!prefixed || end == begin) {  // "0", or zeros: a decimal number does not start with 0
        base = 1;
        begin = at_;
        end = digits_end(begin, in_base);
      }
    } else {
      end = digits_end(begin, in_base);
    }
    Token token{TokenType::kInteger, line_, {}};
    for (size_t i = begin; i < end && base > 1; ++i) {
      if (source_[i] == '_') continue;
      int v = digit(source_[i]) ? source_[i] - '0' : (source_[i] | 0x20) - 'a' + 10;
      if (__builtin_mul_overflow(token.integer, Int{base}, &token.integer) ||
          __builtin_add_overflow(token.integer, Int{v}, &token.integer)) {
        return base::limit("line {}: integer: more than 127 bits", line_);
      }
    }
    tokens_.push_back(std::move(token));
    at_ = end;
    return {};
  }

  Status string(char quote) {
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) return fail("unexpected char '{}': the string has no end", quote);
    auto value = unescape(source_.substr(at_ + 1, end - at_ - 1));
    if (!value.ok()) return fail("{}", value.error().message);
    push(TokenType::kString, std::move(*value));
    advance_to(end + 1);
    return {};
  }

  Status operator_(std::string& open_brackets) {
    static constexpr std::array<std::string_view, 6> kTwo = {"//", "**", "==", "!=", ">=", "<="};
    for (std::string_view two : kTwo) {
      if (!looking_at(two)) continue;
      push(TokenType::kOperator, std::string(two));
      at_ += 2;
      return {};
    }
    char c = peek();
    if (std::string_view("+-/*%~[](){}><=.:|,;").find(c) == std::string_view::npos) {
      size_t end = at_;
      next_code_point(source_, end);
      return fail("unexpected char '{}'", source_.substr(at_, end - at_));
    }
    if (c == '(') open_brackets += ')';
    if (c == '[') open_brackets += ']';
    if (c == '{') open_brackets += '}';
    if (c == ')' || c == ']' || c == '}') {
      if (open_brackets.empty()) return fail("unexpected '{}'", c);
      if (open_brackets.back() != c) {
        return fail("unexpected '{}', expected '{}'", c, open_brackets.back());
      }
      open_brackets.pop_back();
    }
    push(TokenType::kOperator, std::string(1, c));
    ++at_;
    return {};
  }

  std::string_view source_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view source) {
  if (source.size() > kSourceBytesMax) {
    return base::limit("template source bytes: {} are more than {}", source.size(),
                       kSourceBytesMax);
  }
  if (size_t bad = find_invalid_utf8(source); bad != std::string_view::npos) {
    return base::invalid("the template is not UTF-8 at byte {}", bad);
  }
  std::string text = normalized(source);
  return Lexer(text).run();
}

}  // namespace handmill::chat::jinja
