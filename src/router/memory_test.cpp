// The plan's arithmetic.
#include "router/memory.h"

#include <gtest/gtest.h>

#include "engine/test_gpu.h"
#include "router/test_router.h"

namespace handmill::router {
namespace {

TEST(Memory, APlanIsWeightsCacheAndBuffers) {
  model::TinyModel tiny = TestRouter::tiny();
  tiny.context = 100000;
  const auto file = tiny.open();
  auto plan = needs(*file, {.context = 1000});
  ASSERT_TRUE(plan.ok());
  EXPECT_GT(plan->weights, file->bytes() / 2);
  EXPECT_LE(plan->weights, file->bytes());
  EXPECT_GT(plan->buffers, 0u);
  EXPECT_EQ(plan->with_context(1000) - plan->with_context(0), 16 * plan->block_bytes);
  EXPECT_EQ(plan->least(), plan->with_context(1000));
  EXPECT_EQ(plan->context(plan->least()), 1000);
  // Keys and values of one layer, two heads of 32 halves, for 64 positions.
  EXPECT_GE(plan->block_bytes, 2u * 2 * 32 * 2 * 64);
}

TEST(Memory, AContextOfNoStatedLengthTakesHalfOfWhatIsLeft) {
  const Needs plan{.weights = 1000, .buffers = 24, .block_bytes = 64, .model_context = 100000};
  EXPECT_EQ(plan.least_context(), 4096);
  EXPECT_EQ(plan.context(plan.least()), 4096);
  EXPECT_EQ(plan.context(1024 + 2 * 64 * 100), 6400);
  EXPECT_EQ(plan.context(1ull << 40), 100000);
  const Needs small{.weights = 1000, .buffers = 24, .block_bytes = 64, .model_context = 512};
  EXPECT_EQ(small.least_context(), 512);
}

TEST(Memory, ABudgetIsWhatOthersDoNotHold) {
  const Budget budget(1000);
  EXPECT_EQ(budget.room(0), 1000u);
  EXPECT_EQ(budget.room(400), 600u);
  EXPECT_EQ(budget.room(1400), 0u);
  EXPECT_EQ(budget.room_alone(400), 1000u);
  const Budget machine(0);
  EXPECT_GT(machine.room(0), 0u);
  EXPECT_GE(machine.room_alone(1000), machine.room(1000));
}

TEST(Memory, ADraftModelCounts) {
  const auto file = TestRouter::tiny().open();
  const engine::Options alone{.context = 256};
  engine::Options with_draft = alone;
  with_draft.draft = file;
  const auto one = needs(*file, alone);
  const auto two = needs(*file, with_draft);
  EXPECT_EQ(two->weights, 2 * one->weights);
  EXPECT_EQ(two->block_bytes, 2 * one->block_bytes);
  with_draft.speculate = engine::Speculate::kOff;
  EXPECT_EQ(needs(*file, with_draft)->weights, one->weights);
}

engine::GpuDevice device(uint64_t budget) {
  engine::GpuDevice out;
  out.name = "GPU";
  out.budget_bytes = budget;
  return out;
}

TEST(Memory, WhatAGpuHoldsTheProcessorNeedNot) {
  const auto file = TestRouter::tiny().open();
  const engine::Options options{.context = 256};
  const auto cpu = needs(*file, options);
  EXPECT_FALSE(cpu->gpu.has_value());
  const auto gpu = needs(*file, options, device(1ull << 32));
  ASSERT_TRUE(gpu.ok() && gpu->gpu.has_value());
  EXPECT_EQ(gpu->weights, cpu->weights) << "as long as another has the GPU";
  EXPECT_GT(gpu->gpu->bytes, gpu->gpu->weights);
  const Needs beside = gpu->beside_gpu();
  EXPECT_LT(beside.weights, cpu->weights / 2);
  EXPECT_EQ(beside.block_bytes, 0u);
  EXPECT_EQ(beside.least(), beside.weights + beside.buffers);
  EXPECT_EQ(beside.context(1 << 30), 256);
  EXPECT_FALSE(needs(*file, options, device(1000))->gpu.has_value()) << "nothing fits there";
}

TEST(Memory, AContextOfNoStatedLengthIsWhatTheGpuHolds) {
  model::TinyModel tiny = TestRouter::tiny();
  tiny.context = 1 << 20;
  const auto file = tiny.open();
  const auto gpu = needs(*file, {}, device(512ull << 20));
  ASSERT_TRUE(gpu->gpu.has_value());
  EXPECT_EQ(gpu->beside_gpu().context(1ull << 40), gpu->gpu->context);
  EXPECT_LT(gpu->gpu->context, 1 << 20);
  EXPECT_GT(gpu->gpu->context, 8192);
}

TEST(Memory, AGpuWithoutMemoryOfItsOwnTakesNothingOff) {
  engine::GpuDevice shared = device(1ull << 32);
  shared.shares_memory = true;
  EXPECT_FALSE(needs(*TestRouter::tiny().open(), {.context = 256}, shared)->gpu.has_value());
}

}  // namespace
}  // namespace handmill::router
