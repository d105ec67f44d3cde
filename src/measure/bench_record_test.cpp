// A record written and read back, and every way in which a file can be no record.
#include "measure/bench_record.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "measure/metrics.h"
#include "measure/speed_bench.h"

namespace handmill::measure {
namespace {

BenchRecord sample_record() {
  BenchRecord record;
  record.environment.version = "1.2";
  record.environment.cpu = "CPU \"<&>\"";
  record.environment.isa = "avx2";
  record.environment.model_bytes = 1'000'000;
  record.environment.threads_usable = 4;
  record.environment.noise = Noise{};
  record.environment.noise->refusals = {"7 % stolen"};
  record.goal = *read_goal("ttft=1s,tg=12");
  BenchResult speed =
      result_of(speed_test(true, 512, 64, 2),
                {{512, 2, {8, 1, 6, 2}, {1e9, 1e12}}, {512, 1, {8, 1, 6, 2}, {1e9, 1e12}}});
  speed.threads = 2;
  speed.kv = "q8_0";
  speed.model = "m";
  BenchResult chat;
  chat.test = {"chat", "chat", 128, 64, 0, 1};
  chat.add("ttft_s", 0.5);
  chat.add("tg_tok_s", 10);
  chat.goal_share = 0.25;
  chat.peak_rss_bytes = 123456;
  chat.requests = {{.prompt_tokens = 128,
                    .cached_tokens = 32,
                    .answer_tokens = 2,
                    .prefill_s = 0.25,
                    .piece_s = {0.5, 0.6000004},
                    .end_s = 0.7}};
  record.results = {speed, chat};
  return record;
}

TEST(BenchRecord, ComesBackAsItWas) {
  const BenchRecord record = sample_record();
  const auto back = record_from_json(record_json(record));
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->environment.cpu, record.environment.cpu);
  EXPECT_EQ(back->environment.isa, "avx2");
  EXPECT_EQ(back->environment.target, "engine");
  EXPECT_EQ(back->environment.model_bytes, 1'000'000u);
  EXPECT_EQ(back->environment.noise->refusals, record.environment.noise->refusals);
  EXPECT_EQ(back->goal.name(), "ttft=1s,tg=12");
  ASSERT_EQ(back->results.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    const BenchResult &a = record.results[i], &b = back->results[i];
    EXPECT_EQ(a.test, b.test);
    EXPECT_EQ(a.threads, b.threads);
    EXPECT_EQ(a.kv, b.kv);
    EXPECT_EQ(a.goal_share, b.goal_share);
    EXPECT_EQ(a.peak_rss_bytes, b.peak_rss_bytes);
    EXPECT_EQ(a.work.has_value(), b.work.has_value());
    for (const Metric& one : metrics()) {
      ASSERT_EQ(a.find(one.name) == nullptr, b.find(one.name) == nullptr) << one.name;
      if (a.find(one.name) == nullptr) continue;
      EXPECT_EQ(a.find(one.name)->runs, b.find(one.name)->runs);
    }
  }
  EXPECT_EQ(back->results[0].work->bytes, record.results[0].work->bytes);
}

TEST(BenchRecord, HasEveryDefinitionAndEveryRequest) {
  const auto value = boost::json::parse(record_json(sample_record()));
  const auto& definitions = value.at("definitions").as_object();
  for (const Metric& one : metrics())
    EXPECT_EQ(definitions.at(one.name).as_string(), one.definition) << one.name;
  for (const Metric& one : metric_statistics())
    EXPECT_TRUE(definitions.contains(one.name)) << one.name;
  const auto& request = value.at_pointer("/results/1/requests/0");
  EXPECT_EQ(request.at("cached_tokens").as_int64(), 32);
  EXPECT_EQ(request.at_pointer("/piece_s/1").to_number<double>(), 0.6);  // microseconds
  EXPECT_EQ(value.at_pointer("/results/1/goal/share").to_number<double>(), 0.25);
}

/// The record with one thing in it set to something else, or taken away with "".
std::string error_with(const char* pointer, std::string_view json) {
  auto value = boost::json::parse(record_json(sample_record()));
  boost::system::error_code ignored;
  if (auto* place = value.find_pointer(pointer, ignored)) {
    *place = boost::json::parse(json);
  } else {
    ADD_FAILURE() << "there is no " << pointer;
  }
  const auto back = record_from_json(boost::json::serialize(value));
  return back.ok() ? "no error" : back.error().message;
}

TEST(BenchRecord, WhatIsWrongIsNamed) {
  EXPECT_NE(record_from_json("[1]").error().message.find("this is no record"), std::string::npos);
  EXPECT_NE(record_from_json("{").error().message, "");
  const auto expect = [](const char* pointer, std::string_view json, std::string_view part) {
    const std::string message = error_with(pointer, json);
    EXPECT_NE(message.find(part), std::string::npos) << pointer << ": " << message;
  };
  expect("/format", "\"handmill bench 9\"", "this is no record");
  expect("/results", "{}", "must be a list");
  expect("/results/1/ttft_s", "3", "\"bench.results[1].ttft_s\" must be an object");
  expect("/results/1/ttft_s/runs", "[1, \"x\"]", "no number from 0 on");
  expect("/results/1/ttft_s/runs", "[-1]", "no number from 0 on");
  expect("/results/0/roofs/read_bytes_s/runs", "7", "must be a list");
  expect("/results/0/depth", "-1", "\"bench.results[0].depth\" must be a whole number");
  expect("/results/0/depth", "1.5", "must be a whole number");
  expect("/results/0/test", "null", "\"bench.results[0].test\" must be there");
  expect("/results/0/bytes_per_token", "\"x\"", "must be a number");
  expect("/environment", "null", "\"bench.environment\" must be an object");
  expect("/environment/cpu", "[]", "\"bench.environment.cpu\" must be a text");
  expect("/environment/noise", "true", "\"bench.environment.noise\" must be an object");
  expect("/goal", "\"fast\"", "is no goal");
  EXPECT_EQ(error_with("/results/0/repeats", "\"unused\""), "no error");
}

}  // namespace
}  // namespace handmill::measure
