// Rows are granted one by one to whoever's next token is likeliest to be right, which is the best
// set of every size; of these sizes the fastest is kept. All are tried, because the cost of rows
// goes up in stairs.
#include "engine/pace.h"

#include <algorithm>
#include <cmath>

namespace handmill::engine {
namespace {

constexpr double kMemory = 1.0 / 8;  // weight of one proposed token in the odds
constexpr double kRowCost = 0.25;    // first guess: of a whole step, for each further row
constexpr double kWorth = 1.03;      // gains below are noise
constexpr int kWaitMin = 4, kWaitMax = 256;

/// The assumed shape of a step's time where only other counts of rows were measured.
double shape(int rows) { return 1 + kRowCost * (rows - 1); }

}  // namespace

void Odds::record(int proposed, int accepted) {
  if (proposed == 0) return;
  for (int i = 0; i < accepted; ++i) right_ += kMemory * (1 - right_);
  if (accepted < proposed) right_ -= kMemory * right_;
  right_ = std::min(right_, kSurest);
  if (passed_ >= wait_)  // it was a retry
    wait_ = std::clamp(accepted > 0 ? wait_ / 2 : wait_ * 2, kWaitMin, kWaitMax);
  passed_ = 0;
}

bool Odds::retry() { return ++passed_ >= wait_; }

/// Noise only ever adds time, so a shorter time counts more than a longer one.
void StepTimes::record(int rows, double seconds) {
  double& known = seconds_[static_cast<size_t>(rows)];
  if (known == 0) {
    known = seconds;
  } else {
    known += (seconds < known ? 0.5 : 0.125) * (seconds - known);
  }
}

double StepTimes::of(int rows) const {
  const auto at = [this](int i) { return seconds_[static_cast<size_t>(i)]; };
  const int end = static_cast<int>(seconds_.size());
  int below = rows, above = rows + 1;
  while (below > 0 && at(below) == 0) --below;
  while (above < end && at(above) == 0) ++above;
  if (below == rows) return at(rows);
  if (below > 0 && above < end)
    return at(below) + (at(above) - at(below)) * (rows - below) / (above - below);
  if (below > 0) return at(below) * shape(rows) / shape(below);
  return above < end ? at(above) * shape(rows) / shape(above) : 0;
}

Pace::Pace(int rows_max) : times(rows_max) { order_.reserve(static_cast<size_t>(rows_max)); }

double Pace::seconds(int rows, int drafted) const {
  const double step = times.of(rows);
  return (step > 0 ? step : shape(rows)) + drafted * draft_step;
}

void Pace::grant(std::span<Bid> bids, int rows, bool always) {
  order_.clear();
  const int sequences = static_cast<int>(bids.size());
  double tokens = sequences, best_rate = kWorth * tokens / seconds(sequences, 0);
  size_t best = 0;
  int drafted = 0;
  const auto next = [](const Bid& bid) {
    return bid.count < bid.most ? std::pow(bid.right, bid.count + 1) : 0.0;
  };
  for (int i = 1; i <= rows; ++i) {
    Bid& likeliest = *std::max_element(
        bids.begin(), bids.end(), [&](const Bid& a, const Bid& b) { return next(a) < next(b); });
    if (next(likeliest) == 0) break;
    tokens += next(likeliest);
    ++likeliest.count;
    if (likeliest.drafted) drafted = std::max(drafted, likeliest.count);
    order_.push_back(&likeliest);
    const double rate = tokens / seconds(sequences + i, drafted);
    if (!always && rate <= best_rate) continue;
    best_rate = rate;
    best = order_.size();
  }
  for (size_t i = best; i < order_.size(); ++i) --order_[i]->count;
}

double Pace::rate(const Bid& bid, int sequences, int rows) const {
  double tokens = sequences, chance = 1, best = tokens / seconds(sequences, 0);
  for (int i = 1; i <= std::min(bid.most, rows); ++i) {
    tokens += chance *= bid.right;
    best = std::max(best, tokens / seconds(sequences + i, bid.drafted ? i : 0));
  }
  return best;
}

}  // namespace handmill::engine
