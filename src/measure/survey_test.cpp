#include "measure/survey.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "measure/rates.h"

namespace handmill::measure {
namespace {

TEST(Knee, IsTheFewestThreadsNearTheBest) {
  const std::vector<ReadPoint> reads = {{1, 10}, {2, 19}, {3, 29.2}, {4, 30}, {5, 29.9}};
  EXPECT_EQ(knee(reads), 3);
  EXPECT_EQ(knee(std::span(reads).first(2)), 2);
  EXPECT_EQ(knee(std::vector<ReadPoint>{{1, 97.1}, {2, 100}}), 1);
  EXPECT_EQ(knee(std::vector<ReadPoint>{{1, 96.9}, {2, 100}}), 2);
  EXPECT_EQ(knee(std::vector<ReadPoint>{{4, 100}, {2, 99}}), 2);
  EXPECT_EQ(knee({}), 0);
}

TEST(ThreadCounts, EveryOneOfFewAndSixteenthsOfMany) {
  EXPECT_EQ(thread_counts(1), (std::vector<int>{1}));
  EXPECT_EQ(thread_counts(3), (std::vector<int>{1, 2, 3}));
  const auto many = thread_counts(96);
  EXPECT_EQ(many.front(), 1);
  EXPECT_EQ(many[15], 16);
  EXPECT_EQ(many[16], 18);
  EXPECT_EQ(many.back(), 96);
  for (size_t i = 1; i < many.size(); ++i) EXPECT_LT(many[i - 1], many[i]);
}

TEST(Names, SayProcessorAndThreads) {
  probe::Machine system;
  system.cpu_name = "A";
  system.isa = probe::Isa::kAvx2;
  EXPECT_EQ(machine_name(system, 1), "A, 1 thread");
  EXPECT_EQ(engine_name(system, 2), "avx2, 2 threads");
}

Survey known() {
  Survey survey;
  survey.threads = 2;
  survey.system.cpu_name = "a cpu";
  survey.system.caches.l2_bytes = 1024;
  survey.limits.threads = 2;
  survey.reads = {{1, 10}, {2, 20}};
  survey.peaks = {{"scalar", 3, 4}};
  survey.disk = {"f", {5, Source::kMeasured}, ""};
  probe::Gpu gpu;
  gpu.card = "card0";
  gpu.vendor_id = 0x1002;
  gpu.vram_bytes = 7;
  survey.gpus.push_back(gpu);
  survey.machine.ops_s = {6, Source::kMeasured};
  return survey;
}

TEST(SurveyJson, EveryFigureHasItsSource) {
  const auto got = boost::json::parse(boost::json::serialize(to_json(known())));
  EXPECT_EQ(got.at_pointer("/system/l2_bytes/value"), 1024);
  EXPECT_EQ(got.at_pointer("/system/l2_bytes/source"), "reported");
  EXPECT_EQ(got.at_pointer("/system/cgroup_threads/value"), 2);
  EXPECT_EQ(got.at_pointer("/knee_threads"), 2);
  EXPECT_EQ(got.at_pointer("/reads/1/bytes_s/value"), 20.0);
  EXPECT_EQ(got.at_pointer("/reads/1/bytes_s/source"), "measured");
  EXPECT_EQ(got.at_pointer("/peaks/0/f32_ops_s/value"), 4.0);
  EXPECT_EQ(got.at_pointer("/disk/bytes_s/source"), "measured");
  EXPECT_EQ(got.at_pointer("/gpus/0/vendor"), "AMD");
  EXPECT_EQ(got.at_pointer("/gpus/0/vendor_id"), "0x1002");
  EXPECT_EQ(got.at_pointer("/gpus/0/vram_bytes/source"), "reported");
  EXPECT_EQ(got.at_pointer("/machine/ops_s/value"), 6.0);
  EXPECT_EQ(got.at_pointer("/refused"), false);
}

TEST(SurveyJson, WhatIsUnknownIsNull) {
  Survey survey = known();
  survey.disk = {"f", {}, "no disk"};
  survey.noise.refusals = {"busy"};
  const auto got = boost::json::parse(boost::json::serialize(to_json(survey)));
  for (const char* where :
       {"/system/l3_bytes", "/system/memory_bytes", "/disk/bytes_s", "/gpus/0/name",
        "/gpus/0/gtt_bytes", "/gpus/0/budget_bytes", "/system/cgroup_memory_bytes"})
    EXPECT_TRUE(got.at_pointer(where).is_null()) << where;
  EXPECT_EQ(got.at_pointer("/disk/why_unknown"), "no disk");
  EXPECT_EQ(got.at_pointer("/refused"), true);
}

/// Small, for sanity alone: whatever the size, rates are above zero and say how they came.
TEST(Rates, AreMeasured) {
  const auto backend = backend::make_cpu_backend(2);
  ASSERT_TRUE(backend.ok());
  const auto* format = tensor::find_format("q4_k");
  const auto product = measure_product(**backend, *format, 1, 2);
  ASSERT_TRUE(product.ok()) << product.error().message;
  EXPECT_EQ(product->format, "q4_k");
  const auto attention = measure_attention(**backend, backend::KvType::kQ8_0, 64, 1);
  ASSERT_TRUE(attention.ok()) << attention.error().message;
  EXPECT_EQ(attention->kv, "q8_0");
  const auto layer = measure_layer(**backend);
  ASSERT_TRUE(layer.ok()) << layer.error().message;
  const auto elements = measure_elements(**backend);
  ASSERT_TRUE(elements.ok()) << elements.error().message;
  for (const Figure& figure : {product->bytes_s, product->ops_s, attention->bytes_s,
                               attention->ops_s, *layer, *elements}) {
    EXPECT_GT(figure.value, 0);
    EXPECT_EQ(figure.source, Source::kMeasured);
  }
}

}  // namespace
}  // namespace handmill::measure
