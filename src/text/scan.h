// Small scanners over UTF-8 that the finders of pre-tokenizer patterns share; each is one forward
// pass.
#pragma once

#include "text/split.h"
#include "text/unicode.h"

namespace handmill::text {

inline bool is_newline(const Char& c) { return c.code == '\n' || c.code == '\r'; }

/// A character that is there and has none of the classes.
inline bool is_other_than(const Char& c, uint8_t classes) {
  return c.size != 0 && (c.classes & classes) == 0;
}

/// The end of the run of characters with one of the classes that begins at i.
inline size_t run_of(std::string_view text, size_t i, uint8_t classes) {
  for (Char c; (c = char_at(text, i)).classes & classes;) i += c.size;
  return i;
}

inline size_t run_without(std::string_view text, size_t i, uint8_t classes) {
  for (Char c; is_other_than(c = char_at(text, i), classes);) i += c.size;
  return i;
}

/// \p{N}{1,max}
inline size_t run_of_numbers(std::string_view text, size_t i, int max) {
  for (Char c; max > 0 && ((c = char_at(text, i)).classes & kNumber); --max) i += c.size;
  return i;
}

/// [\r\n]*, or [\r\n/]*
inline size_t run_of_newlines(std::string_view text, size_t i, bool slash = false) {
  while (i < text.size() && (text[i] == '\r' || text[i] == '\n' || (slash && text[i] == '/'))) {
    ++i;
  }
  return i;
}

/// \s+(?!\S)|\s+ and, with `newlines`, \s*[\r\n]+ before it. REQUIRES: whitespace at i.
size_t whitespace_word(std::string_view text, size_t i, bool newlines);

/// (?i:'s|'t|'re|'ve|'m|'ll|'d), or its lower-case form; i where there is none. U+017F folds to s.
size_t contraction(std::string_view text, size_t i, bool any_case);

/// The first run of characters that `in` accepts.
template <class Accept>
Match find_run(std::string_view text, size_t from, Accept in) {
  Char c;
  while ((c = char_at(text, from)).size != 0 && !in(c)) from += c.size;
  size_t end = from;
  while ((c = char_at(text, end)).size != 0 && in(c)) end += c.size;
  return {from, end};
}

/// \s?[in]+
template <class Accept>
Match find_spaced_run(std::string_view text, size_t from, Accept in) {
  for (Char c; (c = char_at(text, from)).size != 0; from += c.size) {
    size_t first = from;
    if (c.classes & kSpace) {
      Char next = char_at(text, from + c.size);
      if (next.size != 0 && in(next)) first = from + c.size;
    }
    if (first == from && !in(c)) continue;
    while ((c = char_at(text, first)).size != 0 && in(c)) first += c.size;
    return {from, first};
  }
  return {text.size(), text.size()};
}

}  // namespace handmill::text
