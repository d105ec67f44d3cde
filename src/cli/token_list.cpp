#include "cli/token_list.h"

#include "base/error.h"
#include "base/quote.h"
#include "cli/args.h"

namespace handmill::cli {

Result<std::vector<text::Token>> parse_tokens(std::string_view text, int vocab,
                                              const std::string& name) {
  constexpr std::string_view kBetween = " ,\t\r\n[]";
  std::vector<text::Token> tokens;
  size_t at = 0;
  while ((at = text.find_first_not_of(kBetween, at)) != std::string_view::npos) {
    const std::string_view word = text.substr(at, text.find_first_of(kBetween, at) - at);
    auto id = parse_integer(word, INT64_MIN, INT64_MAX);
    if (!id.ok())
      return base::invalid("{}: byte {}: {} is not a token id", name, at, base::quoted(word, 40));
    if (*id < 0 || *id >= vocab)
      return base::invalid("{}: byte {}: token {} is not in the vocabulary (0 to {})", name, at,
                           *id, vocab - 1);
    tokens.push_back(static_cast<text::Token>(*id));
    at += word.size();
  }
  if (tokens.empty()) return base::invalid("{}: holds no token ids", name);
  return tokens;
}

}  // namespace handmill::cli
