// Goals as they are written, and requests on both sides of them.
#include "measure/goal.h"

#include <gtest/gtest.h>

namespace handmill::measure {
namespace {

RequestRecord request(double ttft_s, double tpot_s, int tokens) {
  RequestRecord record;
  record.answer_tokens = tokens;
  for (int i = 0; i < tokens; ++i) record.piece_s.push_back(ttft_s + i * tpot_s);
  record.end_s = tokens > 0 ? record.piece_s.back() : ttft_s;
  return record;
}

TEST(Goal, IsTenTokensASecondUnlessToldOtherwise) {
  EXPECT_EQ(Goal{}.name(), "tg=10");
  EXPECT_TRUE(Goal{}.is_met(request(60, 0.0625, 3)));
  EXPECT_FALSE(Goal{}.is_met(request(0.1, 0.125, 3)));
}

TEST(Goal, IsReadAsItIsWritten) {
  const auto goal = read_goal("ttft=500ms,tg=20,e2e=2m,tpot=0.5s");
  ASSERT_TRUE(goal.ok());
  EXPECT_EQ(goal->name(), "ttft=0.5s,tpot=0.5s,tg=20,e2e=120s");
  EXPECT_FALSE(read_goal("ttft=1s")->tg_tok_s.has_value());
  for (const char* wrong : {"", "ttft", "ttft=1", "ttft=-1s", "ttft=1h", "tg=10s", "tg=0", "tg=nan",
                            "speed=1", "tg=10,", "ttft=1e400s"})
    EXPECT_FALSE(read_goal(wrong).ok()) << wrong;
  EXPECT_EQ(read_goal("x=1").error().message, "\"x\" is no goal; there are ttft, tpot, tg and e2e");
}

TEST(Goal, MustBeMetWhole) {
  const Goal goal = *read_goal("ttft=1s,tg=10,e2e=3s");
  EXPECT_TRUE(goal.is_met(request(1, 0.0625, 5)));
  EXPECT_FALSE(goal.is_met(request(1.5, 0.0625, 5)));
  EXPECT_FALSE(goal.is_met(request(1, 0.125, 5)));
  EXPECT_FALSE(goal.is_met(request(1, 0.0625, 50)));
}

TEST(Goal, OneTokenHasNoSpeedAndNoneMeetsNothing) {
  const Goal goal = *read_goal("ttft=1s,tg=10");
  EXPECT_TRUE(goal.is_met(request(0.5, 0, 1)));
  EXPECT_FALSE(goal.is_met(request(2, 0, 1)));
  EXPECT_FALSE(goal.is_met(request(0.5, 0, 0)));
}

TEST(Goal, TheLineIsReachedByTheMedians) {
  BenchResult result;
  for (const double speed : {9.0, 11.0, 12.0}) result.add("tg_tok_s", speed);
  EXPECT_FALSE(Goal{}.is_reached(result));  // no TTFT: nothing was answered
  result.add("ttft_s", 3);
  EXPECT_TRUE(Goal{}.is_reached(result));
  EXPECT_FALSE(read_goal("ttft=1s,tg=10")->is_reached(result));
  result.series[0].runs = {9, 9.5, 12};
  EXPECT_FALSE(Goal{}.is_reached(result));
}

}  // namespace
}  // namespace handmill::measure
