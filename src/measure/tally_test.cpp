#include "measure/tally.h"

#include <gtest/gtest.h>

namespace handmill::measure {
namespace {

Entry run(double seconds, std::string left_out = "", Phase phase = Phase::kDecode) {
  Entry entry;
  Forecast& f = entry.forecast;
  f.machine = "one";
  f.model.name = "m";
  f.kv = "f16";
  f.phase = phase;
  f.seconds = 2;
  f.told_s = 1;
  f.low_s = 0.9;
  f.high_s = 1.1;
  entry.outcome = {seconds, std::move(left_out)};
  return entry;
}

TEST(TallyTest, SaysHowFarPredictionsWereOff) {
  const std::vector<Entry> entries = {run(1.05), run(0.95), run(1.3), run(9, "a batch of 4"),
                                      run(3, "", Phase::kPrefill)};
  const auto got = tallies(entries);
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].machine, "one");
  EXPECT_EQ(got[0].model, "m");
  EXPECT_EQ(got[0].phase, Phase::kDecode);
  EXPECT_EQ(got[0].runs, 3);
  EXPECT_EQ(got[0].left_out, 1);
  EXPECT_NEAR(got[0].bias, 0.05, 1e-12);
  EXPECT_NEAR(got[0].error, 0.05, 1e-12);
  EXPECT_NEAR(got[0].worst, 0.3, 1e-12);
  EXPECT_NEAR(got[0].formula_error, 0.475, 1e-12);
  EXPECT_NEAR(got[0].covered, 2 / 3.0, 1e-12);
  EXPECT_EQ(got[1].phase, Phase::kPrefill);
  EXPECT_NEAR(got[1].bias, 2, 1e-12);
}

TEST(TallyTest, NothingComparedIsNoFigure) {
  const std::vector<Entry> entries = {run(9, "a batch of 4")};
  const auto got = tallies(entries);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].runs, 0);
  EXPECT_TRUE(tallies({}).empty());
}

}  // namespace
}  // namespace handmill::measure
