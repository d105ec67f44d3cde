// A word is a doubly linked list of symbols in an array, and a heap of the merges that are possible
// in it. A heap entry is stale exactly when its symbol's present rank is another; so nothing is
// ever removed from the heap but its smallest entry.
#include "text/bpe.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "base/error.h"
#include "text/unicode.h"

namespace handmill::text {
namespace {

constexpr uint32_t kNoRank = ~uint32_t{0};
constexpr uint32_t kNoSymbol = ~uint32_t{0};
// Symbols are numbered in 32 bits; a longer word is merged in parts.
constexpr size_t kMaxWordBytes = size_t{1} << 30;

/// The characters that GPT-2's vocabulary spells bytes with: printable Latin-1 stands for itself,
/// the other 68 bytes for U+0100 onwards, in order. Index: code point; value: byte, or -1.
constexpr auto kByteOfChar = [] {
  std::array<int16_t, 256 + 68> bytes{};
  bytes.fill(-1);
  size_t next = 256;
  for (int16_t byte = 0; byte < 256; ++byte) {
    bool itself = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
    bytes[itself ? static_cast<size_t>(byte) : next++] = byte;
  }
  return bytes;
}();

/// The bytes that a token's text spells; nullopt if it holds other characters.
std::optional<std::string> spelled_bytes(std::string_view text) {
  std::string bytes;
  Char c;
  for (size_t i = 0; (c = char_at(text, i)).size != 0; i += c.size) {
    int16_t byte = c.code < kByteOfChar.size() ? kByteOfChar[c.code] : int16_t{-1};
    if (byte < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

}  // namespace

MergeTable::MergeTable(size_t capacity) : slots_(std::bit_ceil(2 * capacity + 2)) {}

size_t MergeTable::position(uint64_t pair) const {
  size_t mask = slots_.size() - 1;
  uint64_t hash = pair * 0x9E3779B97F4A7C15u;  // 2^64 over the golden ratio
  size_t i = static_cast<size_t>(hash ^ hash >> 32) & mask;
  while (slots_[i].pair != kFree && slots_[i].pair != pair) i = (i + 1) & mask;
  return i;
}

void MergeTable::insert(Token left, Token right, Merge merge) {
  uint64_t pair = uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
  Slot& slot = slots_[position(pair)];
  if (slot.pair == kFree) slot = {pair, merge};
}

const MergeTable::Merge* MergeTable::find(Token left, Token right) const {
  if (left < 0 || right < 0) return nullptr;
  uint64_t pair = uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
  const Slot& slot = slots_[position(pair)];
  return slot.pair == kFree ? nullptr : &slot.merge;
}

Result<Bpe> Bpe::build(const Vocabulary& vocabulary, std::span<const std::string_view> merges,
                       const PreTokenizer& pre_tokenizer) {
  Bpe bpe;
  bpe.stages_ = pre_tokenizer.stages;
  bpe.ignore_merges_ = pre_tokenizer.ignore_merges;
  HANDMILL_OK(bpe.index_words(vocabulary));
  HANDMILL_OK(bpe.read_merges(vocabulary, merges));
  return bpe;
}

Status Bpe::index_words(const Vocabulary& vocabulary) {
  const auto size = static_cast<size_t>(vocabulary.size());
  std::vector<bool> spelled(size);
  for (size_t i = 0; i < size; ++i) {
    std::optional<std::string> bytes;
    if (vocabulary.types[i] == TokenType::kNormal) bytes = spelled_bytes(vocabulary.texts[i]);
    spelled[i] = bytes && !bytes->empty();
    bytes_.add(bytes ? std::string_view(*bytes) : vocabulary.texts[i]);
  }
  words_ = StringIndex(size);
  for (size_t i = 0; i < size; ++i) {
    if (!spelled[i]) continue;
    Token former = words_.insert(bytes_[i], static_cast<Token>(i));
    if (former != kNoToken) {
      return base::invalid("tokens {} and {} have the same text \"{}\"", former, i,
                           vocabulary.texts[i]);
    }
  }
  for (size_t byte = 0; byte < 256; ++byte) {
    char c = static_cast<char>(byte);
    byte_tokens_[byte] = words_.find({&c, 1});
  }
  return {};
}

Status Bpe::read_merges(const Vocabulary& vocabulary, std::span<const std::string_view> merges) {
  if (merges.size() >= kNoRank) return base::limit("{} merges are too many", merges.size());
  StringIndex reserved(static_cast<size_t>(std::ranges::count_if(
      vocabulary.types, [](TokenType t) { return t != TokenType::kNormal; })));
  for (Token token = 0; token < vocabulary.size(); ++token) {
    const auto i = static_cast<size_t>(token);
    if (vocabulary.types[i] != TokenType::kNormal) reserved.insert(vocabulary.texts[i], token);
  }
  merges_ = MergeTable(merges.size());
  std::string joint;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const std::string_view merge = merges[rank];
    const size_t space = merge.find(' ');
    if (space == std::string_view::npos || merge.find(' ', space + 1) != std::string_view::npos) {
      return base::invalid("merge {} (\"{}\") is not two tokens and one space", rank, merge);
    }
    const std::string_view left = merge.substr(0, space), right = merge.substr(space + 1);
    joint.assign(left) += right;
    Token tokens[3];
    bool passed_over = false;
    for (size_t i = 0; std::string_view text : {left, right, std::string_view(joint)}) {
      auto bytes = spelled_bytes(text);
      tokens[i] = bytes ? words_.find(*bytes) : kNoToken;
      if (tokens[i++] != kNoToken) continue;
      passed_over = reserved.find(text) != kNoToken;
      if (passed_over) break;
      return base::invalid("merge {} (\"{}\") needs the token \"{}\", which the vocabulary lacks",
                           rank, merge, text);
    }
    if (!passed_over) {
      merges_.insert(tokens[0], tokens[1], {static_cast<uint32_t>(rank), tokens[2]});
    }
  }
  return {};
}

void Bpe::encode(std::string_view text, std::vector<Token>& out) const {
  std::vector<std::string_view> words;
  split(stages_, text, words);
  Scratch scratch;
  for (std::string_view word : words) encode_word(word, scratch, out);
}

void Bpe::encode_word(std::string_view word, Scratch& scratch, std::vector<Token>& out) const {
  if (ignore_merges_) {
    if (Token token = words_.find(word); token != kNoToken) {
      out.push_back(token);
      return;
    }
  }
  for (; !word.empty(); word.remove_prefix(std::min(word.size(), kMaxWordBytes))) {
    auto size = static_cast<uint32_t>(std::min(word.size(), kMaxWordBytes));
    scratch.symbols.resize(size);
    for (uint32_t i = 0; i < size; ++i) {
      Token token = byte_tokens_[static_cast<uint8_t>(word[i])];
      scratch.symbols[i] = {token, i - 1, i + 1 < size ? i + 1 : kNoSymbol, kNoRank, kNoToken};
    }
    merge_symbols(scratch);
    for (uint32_t i = 0; i != kNoSymbol; i = scratch.symbols[i].next) {
      // A byte that the vocabulary cannot spell is dropped, as every other engine does.
      if (Token token = scratch.symbols[i].token; token != kNoToken) out.push_back(token);
    }
  }
}

void Bpe::look_up_pair(Scratch& scratch, uint32_t left) const {
  Scratch::Symbol& symbol = scratch.symbols[left];
  const MergeTable::Merge* merge =
      symbol.next == kNoSymbol ? nullptr
                               : merges_.find(symbol.token, scratch.symbols[symbol.next].token);
  symbol.rank = merge != nullptr ? merge->rank : kNoRank;
  if (merge == nullptr) return;
  symbol.merged = merge->merged;
  scratch.heap.push_back(uint64_t{merge->rank} << 32 | left);
  ++scratch.heap_pushes;
}

void Bpe::merge_symbols(Scratch& scratch) const {
  auto& [symbols, heap, pushes] = scratch;
  heap.clear();
  for (uint32_t i = 0; i < symbols.size(); ++i) look_up_pair(scratch, i);
  std::ranges::make_heap(heap, std::greater{});
  auto look_up_and_sift = [&](uint32_t left) {
    size_t size = heap.size();
    look_up_pair(scratch, left);
    if (heap.size() != size) std::ranges::push_heap(heap, std::greater{});
  };
  while (!heap.empty()) {
    std::ranges::pop_heap(heap, std::greater{});
    auto rank = static_cast<uint32_t>(heap.back() >> 32);
    auto left = static_cast<uint32_t>(heap.back());
    heap.pop_back();
    Scratch::Symbol& symbol = symbols[left];
    if (symbol.rank != rank) continue;
    Scratch::Symbol& gone = symbols[symbol.next];
    symbol.token = symbol.merged;
    symbol.next = gone.next;
    gone.rank = kNoRank;
    if (symbol.next != kNoSymbol) symbols[symbol.next].previous = left;
    look_up_and_sift(left);
    if (left != 0) look_up_and_sift(symbol.previous);
  }
}

}  // namespace handmill::text
