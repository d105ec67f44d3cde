// The linked list and heap are bpe.cpp's; pieces are found by text, not by pair, because
// SentencePiece merges any two neighbours that join to a piece, however the piece was trained.
#include "text/sentencepiece.h"

#include <algorithm>

#include "base/error.h"
#include "text/unicode.h"

namespace handmill::text {
namespace {

constexpr std::string_view kSpaceMark = "\u2581";
constexpr uint32_t kNoSymbol = ~uint32_t{0};
// Symbols are numbered in 32 bits; a longer text is merged in parts.
constexpr size_t kMaxPartBytes = size_t{1} << 30;

/// The byte that "<0x0A>" names, or -1.
int byte_named(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return -1;
  int byte = 0;
  for (char c : text.substr(3, 2)) {
    int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return -1;
    byte = byte * 16 + digit;
  }
  return byte;
}

}  // namespace

std::string unescape_spaces(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    bool mark = text.substr(i).starts_with(kSpaceMark);
    plain.push_back(mark ? ' ' : text[i]);
    i += mark ? kSpaceMark.size() : 1;
  }
  return plain;
}

Result<SentencePiece> SentencePiece::build(const Vocabulary& vocabulary, const Options& options) {
  SentencePiece model;
  model.options_ = options;
  model.scores_ = vocabulary.scores;
  model.texts_ = vocabulary.texts;
  model.byte_tokens_.fill(kNoToken);
  const auto size = static_cast<size_t>(vocabulary.size());
  model.pieces_ = StringIndex(size);
  for (size_t i = 0; i < size; ++i) {
    const auto token = static_cast<Token>(i);
    const std::string_view text = model.texts_[i];
    std::string bytes = unescape_spaces(text);
    switch (vocabulary.types[i]) {
      case TokenType::kNormal: {
        if (text.empty()) break;
        if (text.size() > kMaxPieceBytes) {
          return base::limit("token {} has {} bytes; at most {} are possible", i, text.size(),
                             kMaxPieceBytes);
        }
        Token former = model.pieces_.insert(text, token);
        if (former != kNoToken) {
          return base::invalid("tokens {} and {} have the same text \"{}\"", former, i, text);
        }
        model.longest_piece_ = std::max(model.longest_piece_, text.size());
        break;
      }
      case TokenType::kByte: {
        int byte = byte_named(text);
        if (byte < 0) return base::invalid("byte token {} is \"{}\", not \"<0x00>\"", i, text);
        model.byte_tokens_[static_cast<size_t>(byte)] = token;
        bytes.assign(1, static_cast<char>(byte));
        break;
      }
      case TokenType::kUnknown:
        if (model.unknown_ == kNoToken) model.unknown_ = token;
        bytes = " \u2047 ";  // as SentencePiece decodes it
        break;
      case TokenType::kUnused: bytes.clear(); break;
      case TokenType::kControl: bytes = text; break;
      case TokenType::kUserDefined: break;
    }
    model.bytes_.add(bytes);
  }
  // Some files name a control token here; plain text must not become one.
  if (vocabulary.unknown != kNoToken &&
      vocabulary.types[static_cast<size_t>(vocabulary.unknown)] != TokenType::kControl) {
    model.unknown_ = vocabulary.unknown;
  }
  return model;
}

std::string SentencePiece::escape(std::string_view text) const {
  std::string escaped;
  escaped.reserve(text.size() + text.size() / 2 + kSpaceMark.size());
  if (options_.remove_extra_whitespaces) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    if (text.empty()) return escaped;
  }
  if (options_.add_space_prefix) escaped += kSpaceMark;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ' ') {
      escaped.push_back(text[i]);
    } else if (!options_.remove_extra_whitespaces || text[i - 1] != ' ') {
      escaped += kSpaceMark;
    }
  }
  return escaped;
}

void SentencePiece::add_bigram(Work& work, uint32_t left) const {
  const Symbol& symbol = work.symbols[left];
  if (symbol.next == kNoSymbol) return;
  uint32_t size = symbol.size + work.symbols[symbol.next].size;
  if (size > longest_piece_) return;
  Token token = pieces_.find(std::string_view(work.text).substr(symbol.begin, size));
  if (token == kNoToken) return;
  work.heap.push_back({scores_[static_cast<size_t>(token)], left, size});
  ++work.heap_pushes;
}

void SentencePiece::merge(Work& work) const {
  auto later = [](const Bigram& a, const Bigram& b) {
    return a.score < b.score || (a.score == b.score && a.left > b.left);
  };
  auto& [text, symbols, heap, pushes] = work;
  for (uint32_t i = 0; i < symbols.size(); ++i) add_bigram(work, i);
  std::ranges::make_heap(heap, later);
  auto add_and_sift = [&](uint32_t left) {
    size_t size = heap.size();
    add_bigram(work, left);
    if (heap.size() != size) std::ranges::push_heap(heap, later);
  };
  while (!heap.empty()) {
    std::ranges::pop_heap(heap, later);
    Bigram bigram = heap.back();
    heap.pop_back();
    Symbol& symbol = symbols[bigram.left];
    // Stale if either side has merged since: symbols only grow, so the joint size tells.
    if (symbol.size == 0 || symbol.next == kNoSymbol ||
        symbol.size + symbols[symbol.next].size != bigram.size) {
      continue;
    }
    Symbol& gone = symbols[symbol.next];
    symbol.size = bigram.size;
    symbol.next = gone.next;
    gone.size = 0;
    if (symbol.next != kNoSymbol) symbols[symbol.next].previous = bigram.left;
    if (bigram.left != 0) add_and_sift(symbol.previous);
    add_and_sift(bigram.left);
  }
}

uint64_t SentencePiece::encode(std::string_view text, std::vector<Token>& out) const {
  const std::string escaped = escape(text);
  bool after_unknown = false;
  uint64_t pushes = 0;
  for (std::string_view rest = escaped; !rest.empty();) {
    Work work;
    work.text = rest.substr(0, kMaxPartBytes);
    rest.remove_prefix(work.text.size());
    Char c;
    for (size_t i = 0; (c = char_at(work.text, i)).size != 0; i += c.size) {
      auto n = static_cast<uint32_t>(work.symbols.size());
      work.symbols.push_back({static_cast<uint32_t>(i), c.size, n - 1, n + 1});
    }
    work.symbols.back().next = kNoSymbol;
    merge(work);
    for (uint32_t i = 0; i != kNoSymbol; i = work.symbols[i].next) {
      const Symbol& symbol = work.symbols[i];
      emit(std::string_view(work.text).substr(symbol.begin, symbol.size), after_unknown, out);
    }
    pushes += work.heap_pushes;
  }
  return pushes;
}

void SentencePiece::emit(std::string_view piece, bool& after_unknown,
                         std::vector<Token>& out) const {
  if (Token token = pieces_.find(piece); token != kNoToken) {
    out.push_back(token);
    after_unknown = false;
    return;
  }
  auto byte_token = [this](char byte) { return byte_tokens_[static_cast<uint8_t>(byte)]; };
  if (std::ranges::none_of(piece, [&](char c) { return byte_token(c) == kNoToken; })) {
    for (char byte : piece) out.push_back(byte_token(byte));
    after_unknown = false;
    return;
  }
  // Neighbouring unknowns are one token, as in SentencePiece.
  if (!after_unknown && unknown_ != kNoToken) out.push_back(unknown_);
  after_unknown = true;
}

}  // namespace handmill::text
