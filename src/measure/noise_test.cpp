#include "measure/noise.h"

#include <array>
#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace handmill::measure {
namespace {

constexpr std::array kSteady = {10.0, 9.5, 10.0};

/// Ten seconds on four CPUs, of which this process kept two busy.
struct Span {
  probe::LoadReading before{100, 50, probe::CpuTimes{4, 1000, 10}, probe::Throttling{3, 1}, 0.5};
  probe::LoadReading after{110, 70, probe::CpuTimes{4, 1021, 10}, probe::Throttling{3, 1}, 2};
  Noise judged(int threads = 2) const { return judge(before, after, threads, kSteady, kSteady); }
};

TEST(Noise, AQuietMachineIsNotRefused) {
  const Noise noise = Span().judged();
  EXPECT_TRUE(noise.refusals.empty());
  EXPECT_DOUBLE_EQ(noise.seconds, 10);
  EXPECT_DOUBLE_EQ(*noise.others_cpus, 0.1);
  EXPECT_EQ(noise.crowded, 0);
  EXPECT_EQ(noise.stolen, 0);
  EXPECT_EQ(noise.throttled, 0);
  EXPECT_EQ(noise.throttled_times, 0u);
  EXPECT_EQ(noise.load_average, 0.5);
  EXPECT_DOUBLE_EQ(noise.read_spread, 0.05);
}

void expect_refused(const Noise& noise, std::string_view why) {
  ASSERT_EQ(noise.refusals.size(), 1u);
  EXPECT_NE(noise.refusals[0].find(why), std::string::npos) << noise.refusals[0];
  EXPECT_TRUE(noise.refused());
}

TEST(Noise, StolenTimeIsRefused) {
  Span span;
  span.after.cpu->stolen_s = 11;
  EXPECT_FALSE(span.judged().refused());  // 1 of 22 seconds
  span.after.cpu->stolen_s = 13;
  expect_refused(span.judged(), "12 % of the CPU time went to other guests");
}

TEST(Noise, AQuotaThatHoldsBackIsRefused) {
  Span span;
  span.after.throttling = probe::Throttling{9, 1.1};
  EXPECT_EQ(span.judged().throttled_times, 6u);
  EXPECT_FALSE(span.judged().refused());
  span.after.throttling->time_s = 1.5;
  expect_refused(span.judged(), "5 % of the time a CPU quota");
}

TEST(Noise, OthersAreRefusedWhereTheyTakeOurCpusOnly) {
  Span span;
  span.after.cpu->busy_s = 1040;  // two CPUs are theirs
  EXPECT_DOUBLE_EQ(*span.judged().others_cpus, 2);
  EXPECT_FALSE(span.judged(2).refused());
  expect_refused(span.judged(4), "50 % of the threads' CPUs");
}

TEST(Noise, RoofsThatMoveAreRefused) {
  const Span span;
  constexpr std::array kMoving = {10.0, 7.5};
  expect_refused(judge(span.before, span.after, 2, kMoving, kSteady), "25 % lie between readings");
  expect_refused(judge(span.before, span.after, 2, kSteady, kMoving), "25 % lie between peaks");
  EXPECT_EQ(spread_of({}), 0);
  EXPECT_EQ(spread_of({kMoving.data(), 1}), 0);
}

TEST(Noise, WhatCannotBeReadIsUnknownAndRefusesNothing) {
  Span span;
  span.before.cpu.reset();
  span.after.throttling.reset();
  span.before.load_average.reset();
  const Noise noise = span.judged();
  EXPECT_FALSE(noise.refused());
  const auto object = to_json(noise);
  for (const char* key :
       {"stolen", "throttled", "throttled_times", "others_cpus", "crowded", "load_average"})
    EXPECT_TRUE(object.at(key).is_null()) << key;
  EXPECT_DOUBLE_EQ(object.at("read_spread").as_double(), 0.05);
}

TEST(Noise, JsonHasTheReasons) {
  Noise noise = Span().judged();
  noise.refusals = {"because"};
  const auto object = to_json(noise);
  EXPECT_EQ(object.at("refusals").as_array().at(0).as_string(), "because");
  EXPECT_DOUBLE_EQ(object.at("others_cpus").as_double(), 0.1);
}

}  // namespace
}  // namespace handmill::measure
