// Look up, bid, grant, fill.
#include "engine/speculation.h"

#include <algorithm>

#include "backend/backend.h"

namespace handmill::engine {
namespace {

bool only_decodes(std::span<const Slice> plan) {
  return std::ranges::all_of(
      plan, [](const Slice& slice) { return slice.count == 1 && slice.sequence->pending() == 1; });
}

Source source_of(const Lookup::Match& match) {
  if (match.length < 3) return Source::kTwo;
  if (match.length < 4) return Source::kThree;
  return match.length < 8 ? Source::kFew : Source::kMany;
}

}  // namespace

Speculation::Speculation(Speculate mode, int rows_max, int sequences_max, int positions_max)
    : mode_(mode), rows_max_(rows_max), positions_max_(positions_max), pace_(rows_max) {
  bids_.reserve(static_cast<size_t>(sequences_max));
}

void Speculation::propose(std::span<const Slice> plan, kv::Cache& cache) {
  const int rows = rows_max_ - static_cast<int>(plan.size());
  if (mode_ == Speculate::kOff || rows <= 0 || !only_decodes(plan)) return;
  bids_.clear();
  for (const Slice& slice : plan) bids_.push_back(bid_for(*slice.sequence));
  pace_.grant(bids_, rows, mode_ == Speculate::kAlways);
  int left = rows;
  for (const Bid& bid : bids_) left -= bid.count;
  for (size_t i = 0; i < plan.size(); ++i) {
    Sequence& sequence = *plan[i].sequence;
    if (bids_[i].count == 0 && bids_[i].most > 0 && left > 0 && sequence.guess.current().retry()) {
      bids_[i].count = 1;
      --left;
    }
    fill(sequence, bids_[i], cache);
  }
}

Bid Speculation::bid_for(Sequence& sequence) {
  Guess& guess = sequence.guess;
  if (!guess.lookup.begun()) {
    guess.lookup.begin(static_cast<size_t>(sequence.length() + sequence.spare(positions_max_)) + 1);
    guess.proposal.reserve(kProposedMax);
  }
  guess.lookup.extend(sequence.tokens());
  guess.match = guess.lookup.find(sequence.tokens());
  if (guess.match.length == 0) return {0, 0};
  guess.source = source_of(guess.match);
  return {guess.current().right(), std::min(kProposedMax, sequence.spare(positions_max_))};
}

/// Blocks that are not there are not fought for: the proposal ends where they do.
void Speculation::fill(Sequence& sequence, const Bid& bid, kv::Cache& cache) {
  if (bid.count == 0) return;
  int count = bid.count;
  if (!cache.grow(sequence.table, sequence.length() + count))
    count = static_cast<int>(sequence.table.size()) * backend::kKvBlock - sequence.length();
  Lookup::copy(sequence.tokens(), sequence.guess.match, count, sequence.guess.proposal);
  sequence.count_proposal();
}

void Speculation::ran(std::span<const Slice> plan, double seconds) {
  if (mode_ == Speculate::kOff || !only_decodes(plan)) return;
  int rows = 0;
  for (const Slice& slice : plan)
    rows += 1 + static_cast<int>(slice.sequence->guess.proposal.size());
  if (rows <= rows_max_) pace_.times.record(rows, seconds);
}

void Speculation::verified(Sequence& sequence) {
  Guess& guess = sequence.guess;
  guess.current().record(static_cast<int>(guess.proposal.size()), guess.accepted);
  guess.proposal.clear();
  guess.accepted = 0;
}

}  // namespace handmill::engine
