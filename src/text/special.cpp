// A sorted list searched byte by byte: the range of tokens that share the text's next bytes
// shrinks, and the first of the range is the only one that can end there.
#include "text/special.h"

#include <algorithm>

#include "base/error.h"
#include "text/unicode.h"

namespace handmill::text {

Result<SpecialIndex> SpecialIndex::build(std::vector<SpecialToken> tokens) {
  std::erase_if(tokens, [](const SpecialToken& each) { return each.text.empty(); });
  std::ranges::sort(tokens, {},
                    [](const SpecialToken& each) -> std::string_view { return each.text; });
  SpecialIndex index;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const SpecialToken& each = tokens[i];
    if (each.text.size() > kMaxSpecialBytes) {
      return base::limit("token {} is matched whole, but has {} bytes; at most {} are possible",
                         each.token, each.text.size(), kMaxSpecialBytes);
    }
    if (i > 0 && tokens[i - 1].text == each.text) {
      return base::invalid("tokens {} and {} have the same text \"{}\"",
                           std::min(tokens[i - 1].token, each.token),
                           std::max(tokens[i - 1].token, each.token), each.text);
    }
    Range& range = index.by_first_byte_[static_cast<uint8_t>(each.text[0])];
    if (range.end == 0) range.begin = static_cast<uint32_t>(i);
    range.end = static_cast<uint32_t>(i + 1);
  }
  index.tokens_ = std::move(tokens);
  return index;
}

std::optional<SpecialIndex::Found> SpecialIndex::match(std::string_view text, size_t begin,
                                                       size_t control_end) const {
  auto [low, high] = by_first_byte_[static_cast<uint8_t>(text[begin])];
  const SpecialToken* best = nullptr;
  for (size_t depth = 1; low < high; ++depth) {
    const SpecialToken& first = tokens_[low];
    if (first.text.size() == depth) {
      if (!first.control || begin + depth <= control_end) best = &first;
      ++low;
    }
    if (begin + depth >= text.size()) break;
    auto range = std::ranges::equal_range(
        tokens_.begin() + low, tokens_.begin() + high, static_cast<uint8_t>(text[begin + depth]),
        {}, [depth](const SpecialToken& each) { return static_cast<uint8_t>(each.text[depth]); });
    low = static_cast<uint32_t>(range.begin() - tokens_.begin());
    high = static_cast<uint32_t>(range.end() - tokens_.begin());
  }
  if (best == nullptr) return std::nullopt;
  size_t end = begin + best->text.size();
  if (best->eats_space) {
    for (Char c; (c = char_at(text, end)).classes & kSpace;) end += c.size;
  }
  return Found{best->token, end};
}

Token SpecialIndex::find_control(std::string_view text) const {
  auto place = std::ranges::lower_bound(
      tokens_, text, {}, [](const SpecialToken& each) -> std::string_view { return each.text; });
  bool found = place != tokens_.end() && place->text == text && place->control;
  return found ? place->token : kNoToken;
}

}  // namespace handmill::text
