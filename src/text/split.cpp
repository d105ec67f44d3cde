// The finders of the patterns that cut whole words (gpt2, llama3, qwen2, tekken, gpt-4o,
// deepseek-v3). Each reads like its regular expression: alternatives in order, possessive where
// backtracking could not matter, and a remembered position where it could.
#include "text/split.h"

#include "text/scan.h"

namespace handmill::text {
namespace {

constexpr uint8_t kWord = kLetter | kNumber;

char32_t fold(char32_t code) {
  if (code >= 'A' && code <= 'Z') return code + ('a' - 'A');
  return code == 0x17F ? U's' : code;
}

/// [^\r\n\p{L}\p{N}]
bool is_prefix(const Char& c) { return is_other_than(c, kWord) && !is_newline(c); }

/// The shape of llama3, qwen2 and qwen35, with `word` as what letters are made of:
/// (?i:'s|…)|[^\r\n\p{L}\p{N}]?[word]+|\p{N}{1,digits}|
/// ?[^\s\p{N}word]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
size_t match_cl100k(std::string_view text, size_t i, int digits, uint8_t word) {
  if (size_t end = contraction(text, i, true); end != i) return end;
  Char c = char_at(text, i);
  if (is_prefix(c)) {
    if (size_t end = run_of(text, i + c.size, word); end != i + c.size) return end;
  }
  if (c.classes & word) return run_of(text, i, word);
  if (c.classes & kNumber) return run_of_numbers(text, i, digits);
  const uint8_t excluded = kSpace | kWord | word;
  size_t first = i + (c.code == ' ');
  if (size_t end = run_without(text, first, excluded); end != first) {
    return run_of_newlines(text, end);
  }
  return whitespace_word(text, i, true);
}

/// [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+; i if there is none. Where no
/// lower-case letter follows the first run, the run gives back its characters down to the last that
/// the second set shares.
size_t match_lower_word(std::string_view text, size_t i) {
  constexpr uint8_t kShared = kCaseless | kMark;
  size_t end = i, shared_end = i;
  for (Char c; (c = char_at(text, end)).classes & (kUpper | kShared);) {
    end += c.size;
    if (c.classes & kShared) shared_end = end;
  }
  size_t lower_end = run_of(text, end, kLower | kShared);
  return lower_end != end ? lower_end : shared_end;
}

/// [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*; i if there is none.
size_t match_upper_word(std::string_view text, size_t i) {
  size_t end = run_of(text, i, kUpper | kCaseless | kMark);
  return end == i ? i : run_of(text, end, kLower | kCaseless | kMark);
}

/// The two alternatives above, each after an optional [^\r\n\p{L}\p{N}]; i if neither matches.
size_t match_cased_word(std::string_view text, size_t i) {
  Char c = char_at(text, i);
  size_t after = is_prefix(c) ? i + c.size : i;
  for (auto match : {match_lower_word, match_upper_word}) {
    for (size_t first : {after, i}) {
      if (size_t end = match(text, first); end != first) return end;
    }
  }
  return i;
}

/// The shape of tekken and gpt-4o: the cased words, then
/// \p{N}{1,digits}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
size_t match_o200k(std::string_view text, size_t i, int digits, bool contractions) {
  if (size_t end = match_cased_word(text, i); end != i) {
    return contractions ? contraction(text, end, true) : end;
  }
  Char c = char_at(text, i);
  if (c.classes & kNumber) return run_of_numbers(text, i, digits);
  size_t first = i + (c.code == ' ');
  if (size_t end = run_without(text, first, kSpace | kWord); end != first) {
    return run_of_newlines(text, end, true);
  }
  return whitespace_word(text, i, true);
}

bool is_ascii_letter(std::string_view text, size_t i) {
  return i < text.size() &&
         ((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z'));
}

}  // namespace

size_t whitespace_word(std::string_view text, size_t i, bool newlines) {
  size_t end = i, last = i, newline_end = i;
  for (Char c; (c = char_at(text, end)).classes & kSpace;) {
    last = end;
    end += c.size;
    if (is_newline(c)) newline_end = end;
  }
  if (newlines && newline_end != i) return newline_end;
  return end == text.size() || last == i ? end : last;
}

size_t contraction(std::string_view text, size_t i, bool any_case) {
  if (i >= text.size() || text[i] != '\'') return i;
  auto letter = [&](size_t at, char32_t want) -> size_t {
    Char c = char_at(text, at);
    char32_t code = any_case ? fold(c.code) : c.code;
    return code == want ? c.size : 0;
  };
  for (char32_t one : {U's', U't', U'm', U'd'}) {
    if (size_t size = letter(i + 1, one)) return i + 1 + size;
  }
  for (auto [one, two] : {std::pair{U'r', U'e'}, {U'v', U'e'}, {U'l', U'l'}}) {
    if (letter(i + 1, one) && letter(i + 2, two)) return i + 3;
  }
  return i;
}

/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
Match find_gpt2(std::string_view text, size_t i) {
  if (size_t end = contraction(text, i, false); end != i) return {i, end};
  size_t first = i + (i < text.size() && text[i] == ' ');
  Char c = char_at(text, first);
  if (c.classes & kLetter) return {i, run_of(text, first, kLetter)};
  if (c.classes & kNumber) return {i, run_of(text, first, kNumber)};
  if (is_other_than(c, kSpace)) return {i, run_without(text, first, kSpace | kWord)};
  return {i, whitespace_word(text, i, false)};
}

Match find_llama3(std::string_view text, size_t i) {
  return {i, match_cl100k(text, i, 3, kLetter)};
}
Match find_qwen2(std::string_view text, size_t i) { return {i, match_cl100k(text, i, 1, kLetter)}; }
Match find_qwen35(std::string_view text, size_t i) {
  return {i, match_cl100k(text, i, 1, kLetter | kMark)};
}
Match find_tekken(std::string_view text, size_t i) { return {i, match_o200k(text, i, 1, false)}; }
Match find_gpt4o(std::string_view text, size_t i) { return {i, match_o200k(text, i, 3, true)}; }

/// [!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+
/// | ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
Match find_deepseek3_words(std::string_view text, size_t i) {
  constexpr uint8_t kLetters = kLetter | kMark, kSigns = kPunct | kSymbol;
  for (Char c; (c = char_at(text, i)).size != 0; i += c.size) {
    if (c.size == 1 && (c.classes & kSigns) && is_ascii_letter(text, i + 1)) {
      size_t end = i + 1;
      while (is_ascii_letter(text, end)) ++end;
      return {i, end};
    }
    if (is_other_than(c, kLetter | kSigns) && !is_newline(c)) {
      if (size_t end = run_of(text, i + c.size, kLetters); end != i + c.size) return {i, end};
    }
    if (c.classes & kLetters) return {i, run_of(text, i, kLetters)};
    size_t first = i + (c.code == ' ');
    if (size_t end = run_of(text, first, kSigns); end != first) {
      return {i, run_of_newlines(text, end)};
    }
    if (c.classes & kSpace) return {i, whitespace_word(text, i, true)};
  }
  return {text.size(), text.size()};
}

}  // namespace handmill::text
