// Bytes of tokens in, whole characters out. At most three bytes are ever held back: a prefix of a
// character that may still become one. The replacement of invalid bytes does not depend on where
// the stream was cut: it is that of one decoder over all of its bytes.
#include "text/tokenizer.h"
#include "text/unicode.h"

namespace handmill::text {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

}  // namespace

Detokenizer::Detokenizer(std::shared_ptr<const Tokenizer> tokenizer, bool special)
    : tokenizer_(std::move(tokenizer)), special_(special) {}

std::string Detokenizer::push(Token token) {
  std::string bytes = tokenizer_->token_bytes(token, special_);
  if (first_ && !bytes.empty() && !tokenizer_->is_control(token)) {
    first_ = false;
    if (tokenizer_->adds_space_prefix() && bytes.front() == ' ') bytes.erase(0, 1);
  }
  held_ += bytes;
  std::string text;
  size_t i = 0;
  while (i < held_.size()) {
    Utf8Unit unit = utf8_unit(held_, i);
    if (unit.kind == Utf8Unit::kPartial) break;
    text +=
        unit.kind == Utf8Unit::kChar ? std::string_view(held_).substr(i, unit.size) : kReplacement;
    i += unit.size;
  }
  held_.erase(0, i);
  return text;
}

std::string Detokenizer::finish() {
  std::string text(held_.empty() ? std::string_view() : kReplacement);
  held_.clear();
  first_ = true;
  return text;
}

}  // namespace handmill::text
