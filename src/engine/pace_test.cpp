#include "engine/pace.h"

#include <gtest/gtest.h>

namespace handmill::engine {
namespace {

/// Steps of 1, 1.2, 1.4 … seconds.
Pace cheap_rows() {
  Pace pace(16);
  for (int rows = 1; rows <= 16; ++rows) pace.times.record(rows, 0.8 + 0.2 * rows);
  return pace;
}

int granted(Pace& pace, double right, int most = 15) {
  Bid bid{right, most};
  pace.grant({&bid, 1}, 15, false);
  return bid.count;
}

TEST(Odds, FollowWhatHappens) {
  Odds odds(0.5);
  odds.record(4, 4);
  EXPECT_GT(odds.right(), 0.65);
  for (int i = 0; i < 100; ++i) odds.record(10, 10);
  EXPECT_GT(odds.right(), 0.95);
  EXPECT_LT(odds.right(), 1.0);
  for (int i = 0; i < 100; ++i) odds.record(10, 3);  // three of four that were looked at
  EXPECT_NEAR(odds.right(), 0.75, 0.1);
  for (int i = 0; i < 100; ++i) odds.record(10, 0);
  EXPECT_LT(odds.right(), 0.01);
  const double before = odds.right();
  odds.record(0, 0);
  EXPECT_EQ(odds.right(), before);
}

int wait(Odds& odds) {
  int steps = 1;
  while (!odds.retry()) ++steps;
  return steps;
}

TEST(Odds, RetriesBecomeRareWhileTheyFail) {
  Odds odds(0.1);
  int before = wait(odds);
  for (int i = 0; i < 3; ++i) {
    odds.record(1, 0);
    const int now = wait(odds);
    EXPECT_EQ(now, 2 * before);
    before = now;
  }
  odds.record(1, 1);
  EXPECT_EQ(wait(odds), before / 2);
  for (int i = 0; i < 20; ++i) odds.record(1, 0), wait(odds);
  EXPECT_LE(wait(odds), 256) << "but they never end";
}

TEST(StepTimes, EstimatesWhatWasNotMeasured) {
  StepTimes times(16);
  EXPECT_EQ(times.of(3), 0);
  times.record(2, 1.0);
  EXPECT_EQ(times.of(2), 1.0);
  EXPECT_LT(times.of(1), 1.0);
  EXPECT_GT(times.of(3), 1.0);
  times.record(6, 3.0);
  EXPECT_DOUBLE_EQ(times.of(4), 2.0);
  EXPECT_GT(times.of(16), 3.0);
}

TEST(StepTimes, AHiccupIsForgottenSoonerThanAQuietStep) {
  StepTimes times(4);
  times.record(1, 1.0);
  times.record(1, 2.0);
  EXPECT_DOUBLE_EQ(times.of(1), 1.125);
  times.record(1, 1.0);
  EXPECT_DOUBLE_EQ(times.of(1), 1.0625);
}

TEST(Pace, ProposesWhatPays) {
  Pace pace = cheap_rows();
  EXPECT_EQ(granted(pace, 0.1), 0);
  EXPECT_GE(granted(pace, 0.5), 1);
  EXPECT_GT(granted(pace, 0.9), granted(pace, 0.5));
  EXPECT_EQ(granted(pace, 0.98, 3), 3);
  EXPECT_EQ(granted(pace, 0.98, 0), 0);
  Pace dear(16);
  for (int rows = 1; rows <= 16; ++rows) dear.times.record(rows, rows);
  EXPECT_EQ(granted(dear, 0.98), 0) << "a row costs as much as a step";
}

TEST(Pace, LooksBeyondAStair) {
  Pace pace(16);
  pace.times.record(1, 1.0);
  for (int rows = 2; rows <= 8; ++rows) pace.times.record(rows, 2.0);
  EXPECT_EQ(granted(pace, 0.9, 7), 7) << "one more does not pay, seven do";
}

TEST(Pace, GrantsTheLikeliestRows) {
  Pace pace = cheap_rows();
  Bid bids[] = {{0.9, 15}, {0.05, 15}, {0.6, 15}};
  pace.grant(bids, 13, false);
  EXPECT_GT(bids[0].count, bids[2].count);
  EXPECT_GT(bids[2].count, 0);
  EXPECT_EQ(bids[1].count, 0);
  Bid more[] = {{0.9, 15}, {0.05, 2}, {0.6, 15}};
  pace.grant(more, 13, true);
  EXPECT_EQ(more[0].count + more[1].count + more[2].count, 13) << "always: every row";
}

TEST(Pace, DraftedTokensCostTheirTime) {
  Pace pace = cheap_rows();
  const Bid looked_up{0.6, 15}, drafted{0.7, 15, true};
  EXPECT_GT(pace.rate(drafted, 1, 15), pace.rate(looked_up, 1, 15));
  pace.draft_step = 0.3;
  EXPECT_LT(pace.rate(drafted, 1, 15), pace.rate(looked_up, 1, 15));
  Bid bid = drafted;
  pace.draft_step = 2;
  pace.grant({&bid, 1}, 15, false);
  EXPECT_EQ(bid.count, 0);
}

}  // namespace
}  // namespace handmill::engine
