// Look up, bid, grant, fill.
#include "engine/speculation.h"

#include <algorithm>

#include "backend/backend.h"

namespace handmill::engine {
namespace {

bool only_decodes(std::span<const Slice> plan) {
  return std::ranges::all_of(plan, [](const Slice& slice) {
    return slice.count == 1 && slice.task->pending() == 1 && slice.task->sequence() != nullptr;
  });
}

Source source_of(const Lookup::Match& match) {
  if (match.length < 3) return Source::kTwo;
  if (match.length < 4) return Source::kThree;
  return match.length < 8 ? Source::kFew : Source::kMany;
}

}  // namespace

Speculation::Speculation(Speculate mode, Draft* draft, int rows_max, int sequences_max)
    : mode_(mode), draft_(draft), rows_max_(rows_max), pace_(rows_max) {
  bids_.reserve(static_cast<size_t>(sequences_max));
  jobs_.reserve(static_cast<size_t>(sequences_max));
}

void Speculation::propose(std::span<const Slice> plan, kv::Cache& cache) {
  const int sequences = static_cast<int>(plan.size()), rows = rows_max_ - sequences;
  if (mode_ == Speculate::kOff || rows <= 0 || !only_decodes(plan)) return;
  if (draft_ != nullptr) pace_.draft_step = draft_->seconds(sequences, pace_.plain(sequences));
  bids_.clear();
  jobs_.clear();
  for (const Slice& slice : plan)
    bids_.push_back(bid_for(*slice.task->sequence(), sequences, rows));
  pace_.grant(bids_, rows, mode_ == Speculate::kAlways);
  int left = rows;
  for (const Bid& bid : bids_) left -= bid.count;
  for (size_t i = 0; i < plan.size(); ++i) {
    Sequence& sequence = *plan[i].task->sequence();
    if (bids_[i].count == 0 && bids_[i].most > 0 && left > 0 && sequence.guess.current().retry()) {
      bids_[i].count = 1;
      --left;
    }
    fill(sequence, bids_[i], cache);
  }
  if (!jobs_.empty()) draft_->propose(jobs_);
  for (const Slice& slice : plan) slice.task->sequence()->count_proposal();
}

/// The best source for this sequence alone.
Bid Speculation::bid_for(Sequence& sequence, int sequences, int rows) {
  Guess& guess = sequence.guess;
  const int spare = sequence.spare(), most = std::min(kProposedMax, spare);
  if (!guess.lookup.begun()) {
    const int length = sequence.length() + spare + 1;
    guess.lookup.begin(static_cast<size_t>(length));
    guess.proposal.reserve(kProposedMax);
    if (draft_ != nullptr) draft_->begin(sequence, length);
  }
  guess.lookup.extend(sequence.tokens());
  guess.match = guess.lookup.find(sequence.tokens());
  Bid best{0, 0};
  if (guess.match.length > 0) {
    guess.source = source_of(guess.match);
    best = {guess.current().right(), most};
  }
  if (draft_ == nullptr || !draft_->can_help(sequence, spare)) return best;
  const Odds& odds = guess.odds[static_cast<size_t>(Source::kDraft)];
  const Bid drafted{odds.right(), most, true};
  const Bid sure{Odds::kSurest, most, true};
  if (mode_ == Speculate::kAuto &&
      (!draft_->reading_pays(sequence, spare) ||
       pace_.rate(sure, sequences, rows) <= sequences / pace_.plain(sequences)))
    return best;  // not even worth a try now and then
  const bool better =
      best.most == 0 || (mode_ == Speculate::kAuto &&
                         pace_.rate(drafted, sequences, rows) > pace_.rate(best, sequences, rows));
  if (!better) return best;
  guess.source = Source::kDraft;
  return drafted;
}

/// Blocks that are not there are not fought for: the proposal ends where they do.
void Speculation::fill(Sequence& sequence, const Bid& bid, kv::Cache& cache) {
  int count = bid.count;
  if (count > 0 && !cache.grow(sequence.table, sequence.length() + count))
    count = static_cast<int>(sequence.table.size()) * backend::kKvBlock - sequence.length();
  if (count == 0) return;
  if (bid.drafted) {
    jobs_.push_back({&sequence, count});
  } else {
    Lookup::copy(sequence.tokens(), sequence.guess.match, count, sequence.guess.proposal);
  }
}

void Speculation::ran(std::span<const Slice> plan, double seconds) {
  if (mode_ == Speculate::kOff || !only_decodes(plan)) return;
  int rows = 0;
  for (const Slice& slice : plan)
    rows += 1 + static_cast<int>(slice.task->sequence()->guess.proposal.size());
  if (rows <= rows_max_) pace_.times.record(rows, seconds);
}

void Speculation::verified(Sequence& sequence) {
  Guess& guess = sequence.guess;
  guess.current().record(static_cast<int>(guess.proposal.size()), guess.accepted);
  guess.proposal.clear();
  guess.accepted = 0;
  if (draft_ != nullptr) draft_->verified(sequence);
}

void Speculation::release(Sequence& sequence) {
  if (draft_ != nullptr) draft_->release(sequence);
}

void Speculation::clear_cache() {
  if (draft_ != nullptr) draft_->clear_cache();
}

}  // namespace handmill::engine
