// The plan's arithmetic.
#include "router/memory.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace handmill::router
