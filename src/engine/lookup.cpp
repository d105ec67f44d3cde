// Chains of positions, as in LZ77: one for each hash of two tokens.
#include "engine/lookup.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace handmill::engine {
namespace {

using text::Token;

constexpr int32_t kNone = -1;
constexpr size_t kBucketsMin = 64, kBucketsMax = 1 << 15;
constexpr int kPlacesMax = 64;  // of one search; common pairs have thousands

/// Tokens before `at` that equal those at the end.
int agreement(std::span<const Token> tokens, int at) {
  const auto end = static_cast<int>(tokens.size());
  int length = 0;
  while (length < Lookup::kMost && length < at &&
         tokens[static_cast<size_t>(at - 1 - length)] ==
             tokens[static_cast<size_t>(end - 1 - length)])
    ++length;
  return length;
}

}  // namespace

void Lookup::begin(size_t length) {
  latest_.assign(std::bit_ceil(std::clamp(length, kBucketsMin, kBucketsMax)), kNone);
  before_.reserve(length);
}

size_t Lookup::bucket(Token a, Token b) const {
  const uint64_t pair = uint64_t{static_cast<uint32_t>(a)} << 32 | static_cast<uint32_t>(b);
  return (pair * 0x9e3779b97f4a7c15u >> 40) & (latest_.size() - 1);
}

void Lookup::extend(std::span<const Token> tokens) {
  assert(before_.size() <= tokens.size());
  for (size_t i = before_.size(); i < tokens.size(); ++i) {
    const bool served = served_ > 0 && tokens[static_cast<size_t>(served_)] == tokens[i];
    served_ = served ? served_ + 1 : 0;
    before_.push_back(kNone);
    if (i == 0) continue;
    int32_t& latest = latest_[bucket(tokens[i - 1], tokens[i])];
    before_[i] = latest;
    latest = static_cast<int32_t>(i);
  }
}

Lookup::Match Lookup::find(std::span<const Token> tokens) {
  assert(before_.size() == tokens.size());
  Match best;
  const auto consider = [&](int next) {
    const int length = agreement(tokens, next);
    if (length >= kLeast && length > best.length) best = {length, next};
  };
  if (served_ > 0) consider(served_);
  int32_t place = before_.empty() ? kNone : before_.back();
  for (int i = 0; i < kPlacesMax && place != kNone && best.length < kMost; ++i) {
    consider(place + 1);
    place = before_[static_cast<size_t>(place)];
  }
  served_ = best.next;
  return best;
}

void Lookup::copy(std::span<const Token> tokens, const Match& match, int count,
                  std::vector<Token>& out) {
  const size_t first = out.size(), next = static_cast<size_t>(match.next);
  for (size_t i = 0; i < static_cast<size_t>(count); ++i)
    out.push_back(next + i < tokens.size() ? tokens[next + i]
                                           : out[first + next + i - tokens.size()]);
}

}  // namespace handmill::engine
