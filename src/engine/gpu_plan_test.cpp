// The plan's arithmetic, on a model of round numbers: 4 layers of 100 MiB, of which 80 are of the
// feed-forward block, a head of 50, and 10 MiB of cache for each layer.
#include "engine/gpu_plan.h"

#include <gtest/gtest.h>

namespace handmill::engine {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kReserve = 64 * kMiB, kStaging = 64 * kMiB, kBuffers = 6 * kMiB;
/// All of the model on the device.
constexpr uint64_t kAll = (4 * 100 + 50 + 4 * 10) * kMiB + kBuffers + kStaging;

GpuNeeds needs() {
  GpuNeeds out;
  out.weights.layers.assign(4, {20 * kMiB, 80 * kMiB});
  out.weights.head = 50 * kMiB;
  out.width = 1024;
  out.ffn_width = 2560;  // ten parts that can be shared out
  out.vocab = 32000;
  out.context = 640;
  out.kv_block_bytes = kMiB;
  out.kv_block_bytes_smaller = kMiB / 2;
  out.buffer_bytes = kBuffers;
  return out;
}

GpuRoom room(uint64_t bytes, GpuFigures figures = {}) {
  return {.device = "GPU", .budget_bytes = bytes + kReserve, .figures = figures};
}

/// A processor that reads 100 MiB in 10 ms, and a device that is ten times as fast.
GpuFigures figures(double submit_s = 0) {
  return {.cpu_bytes_s = 1e4 * kMiB, .device_bytes_s = 1e5 * kMiB, .submit_s = submit_s};
}

GpuPlan plan(const GpuRoom& room, const GpuWish& wish = {}) {
  auto made = plan_gpu(needs(), room, wish);
  if (made.ok()) return *std::move(made);
  ADD_FAILURE() << made.error().message;
  return {};
}

TEST(GpuPlan, WhatFitsGoesToTheDevice) {
  for (const GpuFigures& known : {GpuFigures{}, figures(), figures(1e-4)}) {
    const GpuPlan all = plan(room(kAll, known));
    EXPECT_EQ(all.chosen.layers, 4);
    EXPECT_TRUE(all.chosen.head);
    EXPECT_EQ(all.chosen.bytes.total(), kAll);
    EXPECT_EQ(all.cpu_weights, 0u);
    EXPECT_EQ(all.cpu_kv_block_bytes, 0u);
    const backend::Placement placement = all.placement();
    EXPECT_EQ(placement.layers.size(), 4u);
    EXPECT_TRUE(placement.layers[0].on_device);
    EXPECT_TRUE(placement.head_on_device);
  }
  EXPECT_EQ(plan(room(kAll)).reason, "everything fits");
}

TEST(GpuPlan, EveryByteIsNamed) {
  const GpuPlan all = plan(room(kAll));
  EXPECT_EQ(all.chosen.bytes.weights, 400 * kMiB);
  EXPECT_EQ(all.chosen.bytes.head, 50 * kMiB);
  EXPECT_EQ(all.chosen.bytes.kv, 40 * kMiB);
  EXPECT_EQ(all.chosen.bytes.buffers, kBuffers);
  EXPECT_EQ(all.chosen.bytes.staging, kStaging);
  EXPECT_EQ(all.reserve, kReserve);
  EXPECT_EQ(all.room, kAll);
  EXPECT_EQ((GpuRoom{.device = "", .budget_bytes = 64000 * kMiB}.reserve()), 2000 * kMiB);
}

TEST(GpuPlan, OneByteLessAndTheHeadStaysThenTheFirstLayers) {
  const GpuPlan headless = plan(room(kAll - 1));
  EXPECT_EQ(headless.chosen.layers, 4);
  EXPECT_FALSE(headless.chosen.head);
  EXPECT_EQ(headless.cpu_weights, 50 * kMiB);
  const GpuPlan two = plan(room(2 * 110 * kMiB + kBuffers + kStaging));
  EXPECT_EQ(two.chosen.layers, 2);
  EXPECT_FALSE(two.chosen.head);
  const backend::Placement placement = two.placement();
  EXPECT_FALSE(placement.layers[1].on_device) << "the first are the processor's";
  EXPECT_TRUE(placement.layers[2].on_device);
  EXPECT_EQ(placement.layers[2].cpu_ffn_cols, 0u);
  EXPECT_EQ(two.cpu_weights, 250 * kMiB);
  EXPECT_EQ(two.cpu_kv_block_bytes, 2 * kMiB);
  EXPECT_NE(two.reason.find("not measured"), std::string::npos) << two.reason;
}

TEST(GpuPlan, ALimitOfTheUsersCountsAsIfThereWereNoMore) {
  GpuRoom limited = room(kAll);
  limited.limit_bytes = kAll - 1;
  EXPECT_FALSE(plan(limited).chosen.head);
  limited.limit_bytes = kAll;
  EXPECT_TRUE(plan(limited).chosen.head);
  limited.limit_bytes = 100 * kAll;
  EXPECT_EQ(plan(limited).room, kAll) << "a limit is no promise";
}

TEST(GpuPlan, NothingFits) {
  const GpuPlan none = plan(room(110 * kMiB + kBuffers + kStaging - 1), {.use = true});
  EXPECT_EQ(none.chosen.layers, 0);
  EXPECT_EQ(none.chosen.bytes.total(), 0u);
  EXPECT_EQ(none.reason, "not one layer fits");
  EXPECT_FALSE(none.placement().layers.back().on_device);
  EXPECT_EQ(plan(room(0)).chosen.layers, 0);
  EXPECT_EQ(plan({.device = "GPU"}).chosen.layers, 0) << "a budget below the reserve";
}

TEST(GpuPlan, SoManyLayersAsAreWishedFor) {
  EXPECT_EQ(plan(room(kAll), {.layers = 0}).chosen.layers, 0);
  const GpuPlan three = plan(room(kAll), {.layers = 3});
  EXPECT_EQ(three.chosen.layers, 3);
  EXPECT_FALSE(three.chosen.head);
  EXPECT_EQ(three.reason, "as asked for");
  EXPECT_FALSE(plan(room(kAll), {.layers = 4}).chosen.head);
  for (const int layers : {5, 99}) {
    EXPECT_EQ(plan(room(kAll), {.layers = layers}).chosen.layers, 4);
    EXPECT_TRUE(plan(room(kAll), {.layers = layers}).chosen.head) << "more than there are";
  }
}

TEST(GpuPlan, WhatWouldFitIsSaid) {
  const auto four =
      plan_gpu(needs(), room(4 * 100 * kMiB + 25 * kMiB + kBuffers + kStaging), {.layers = 4});
  ASSERT_FALSE(four.ok());
  EXPECT_EQ(four.error().code, Code::kLimit);
  EXPECT_EQ(four.error().message,
            "4 layers take 510 MiB of GPU: 400 of weights, 40 of key/value cache for a context of "
            "640, 70 of buffers; 495 MiB may be used. What would fit: 3 layers; or a context of "
            "384; or a q8_0 cache");
  const auto head = plan_gpu(needs(), room(kAll - 20 * kMiB), {.layers = 5});
  ASSERT_FALSE(head.ok());
  EXPECT_NE(head.error().message.find("4 layers and the head take 560 MiB"), std::string::npos);
  EXPECT_NE(head.error().message.find("fit: 4 layers; or a context of 320; or a q8_0 cache"),
            std::string::npos)
      << head.error().message;
  const auto none = plan_gpu(needs(), room(100 * kMiB), {.layers = 1});
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.error().message.find("Not one layer would fit"), std::string::npos)
      << none.error().message;
}

TEST(GpuPlan, WhatIsSaidToFitFits) {
  for (uint64_t bytes = 80; bytes < 600; bytes += 7) {
    const auto wished = plan_gpu(needs(), room(bytes * kMiB), {.layers = 4});
    if (wished.ok()) continue;
    const std::string& said = wished.error().message;
    int layers = 0, context = 0;
    if (const size_t at = said.find("fit: "); at != std::string::npos)
      std::sscanf(said.c_str() + at, "fit: %d layers", &layers);
    if (const size_t at = said.find("; or a context of "); at != std::string::npos)
      std::sscanf(said.c_str() + at, "; or a context of %d", &context);
    EXPECT_EQ(plan(room(bytes * kMiB), {.layers = layers}).chosen.layers, layers) << bytes;
    const auto more = plan_gpu(needs(), room(bytes * kMiB), {.layers = layers + 1});
    EXPECT_FALSE(more.ok()) << bytes << ": " << layers << " are not the most";
    if (context == 0) continue;
    GpuNeeds shorter = needs();
    shorter.context = context;
    EXPECT_TRUE(plan_gpu(shorter, room(bytes * kMiB), {.layers = 4}).ok()) << bytes;
    shorter.context += backend::kKvBlock;
    EXPECT_FALSE(plan_gpu(shorter, room(bytes * kMiB), {.layers = 4}).ok()) << bytes;
  }
}

TEST(GpuPlan, FewerWillDoWhereThereWasNoMemory) {
  const GpuPlan fewer =
      plan(room(2 * 110 * kMiB + kBuffers + kStaging), {.layers = 3, .at_most = true, .use = true});
  EXPECT_EQ(fewer.chosen.layers, 2);
  EXPECT_FALSE(fewer.chosen.head);
  const GpuPlan no_head = plan(room(kAll - 1), {.layers = 5, .at_most = true, .use = true});
  EXPECT_EQ(no_head.chosen.layers, 4);
  EXPECT_FALSE(no_head.chosen.head);
  EXPECT_EQ(plan(room(0), {.layers = 3, .at_most = true}).chosen.layers, 0);
}

TEST(GpuPlan, TimesAreOfTheFormula) {
  const GpuPlan two = plan(room(2 * 110 * kMiB + kBuffers + kStaging, figures()));
  EXPECT_NEAR(two.cpu.seconds, 45e-3, 1e-9);
  // 200 MiB and the head on the processor, 200 MiB on the device.
  ASSERT_TRUE(two.whole.has_value());
  EXPECT_EQ(two.whole->layers, 2);
  EXPECT_NEAR(two.whole->seconds, 25e-3 + 2e-3, 1e-9);
  EXPECT_FALSE(two.shared.has_value()) << "an exchange of unknown cost";
  GpuFigures slow = figures(1e-3);
  slow.transfer_bytes_s = 1e6;
  const GpuPlan crossing = plan(room(2 * 110 * kMiB + kBuffers + kStaging, slow));
  EXPECT_NEAR(crossing.whole->seconds, 27e-3 + 1e-3 + 2 * 1024 * 4 / 1e6, 1e-9);
}

TEST(GpuPlan, ASharedBlockTakesBothSidesEquallyLong) {
  // Both are equally fast: half of the columns each, and 12 ms instead of 20 for a block.
  GpuFigures equal{.cpu_bytes_s = 1e4 * kMiB, .device_bytes_s = 1e4 * kMiB, .submit_s = 1e-5};
  const GpuPlan half = plan(room(kAll, equal), {.use = true});
  EXPECT_EQ(half.chosen.layers, 4);
  EXPECT_EQ(half.chosen.cpu_cols, 1280u);
  // Attention of 4 layers, half of their blocks, the head; an exchange for each and one of all.
  EXPECT_NEAR(half.chosen.seconds, 8e-3 + 16e-3 + 5e-3 + 5 * 1e-5, 1e-9);
  EXPECT_EQ(half.chosen.bytes.weights, (4 * 20 + 4 * 40) * kMiB);
  EXPECT_EQ(half.cpu_weights, 4 * 40 * kMiB);
  EXPECT_EQ(half.placement().layers[0].cpu_ffn_cols, 1280u);
  // An exchange that costs more than it saves is none.
  equal.submit_s = 5e-3;
  EXPECT_EQ(plan(room(kAll, equal), {.use = true}).chosen.cpu_cols, 0u);
}

TEST(GpuPlan, SharingMakesRoomForMoreLayers) {
  // Whole layers: two fit. Of all four at least three tenths of the blocks must stay, which takes
  // the processor 9.6 ms where two layers and the head take it 25.
  const GpuPlan best =
      plan(room((4 * 20 + 4 * 56 + 4 * 10) * kMiB + kBuffers + kStaging, figures(1e-5)));
  EXPECT_EQ(best.whole->layers, 3);
  ASSERT_TRUE(best.shared.has_value());
  EXPECT_EQ(best.chosen.layers, 4);
  EXPECT_EQ(best.chosen.cpu_cols, 3 * backend::kShareCols);
  EXPECT_LT(best.chosen.seconds, best.whole->seconds);
  EXPECT_NEAR(best.chosen.seconds, 0.8e-3 + 9.6e-3 + 5e-3 + 5 * 1e-5, 1e-9);
  EXPECT_NE(best.text().find("less 768 of 2560 columns"), std::string::npos) << best.text();
}

TEST(GpuPlan, WhatIsReadCountsToo) {
  GpuNeeds many = needs();
  many.weights.elements = 4 * 200 * kMiB;  // half a byte each: 4 operations on a byte
  GpuFigures both{.cpu_bytes_s = 1e4 * kMiB, .device_bytes_s = 1e4 * kMiB, .submit_s = 1e-5};
  both.cpu_ops_s = 1e6 * kMiB;
  both.device_ops_s = 1e8 * kMiB;
  const auto plan = plan_gpu(many, room(kAll, both), {.use = true});
  ASSERT_TRUE(plan.ok());
  // Half of the columns would be written fastest, at the device's hundredth of the speed in
  // reading.
  EXPECT_NEAR(plan->cpu.read_s, 1600.0 / 1e6, 1e-9);
  EXPECT_NEAR(plan->whole->read_s, 1600.0 / 1e8, 1e-9);
  ASSERT_TRUE(plan->shared.has_value());
  const double share = static_cast<double>(plan->shared->cpu_cols) / 2560;
  EXPECT_NEAR(plan->shared->read_s, 320.0 / 1e8 + share * 1280 / 1e6, 1e-9);
  both.cpu_ops_s = 1e5 * kMiB;
  const auto slow = plan_gpu(many, room(kAll, both), {.use = true});
  EXPECT_EQ(slow->chosen.cpu_cols, 0u) << "an answer would be 4 · 1.28 ms later for each 256";
  EXPECT_NEAR(slow->chosen.score(), 45e-3 + 1e-5 + 4 * 1600.0 / 1e8, 1e-9);
  EXPECT_NE(slow->text().find("0.02 for one read"), std::string::npos) << slow->text();
}

TEST(GpuPlan, ASlowDeviceIsLeftAloneUnlessItIsAskedFor) {
  const GpuFigures slow{.cpu_bytes_s = 1e4 * kMiB, .device_bytes_s = 1e3 * kMiB, .submit_s = 1e-2};
  const GpuPlan none = plan(room(kAll, slow));
  EXPECT_EQ(none.chosen.layers, 0);
  EXPECT_NE(none.reason.find("the processor alone is predicted to take 45.00 ms"),
            std::string::npos)
      << none.reason;
  const GpuPlan asked = plan(room(kAll, slow), {.use = true});
  EXPECT_TRUE(asked.chosen.layers == 4 && asked.chosen.head) << "all that it holds";
  EXPECT_EQ(asked.chosen.cpu_cols, 0u);
  EXPECT_NE(asked.reason.find("as asked for, though"), std::string::npos) << asked.reason;
  EXPECT_EQ(plan(room(kAll, slow), {.layers = 4}).chosen.layers, 4);
}

TEST(GpuPlan, OneMemoryHoldsBothParts) {
  GpuRoom both = room(kAll);
  both.shared_free_bytes = kAll + kBuffers;
  EXPECT_TRUE(plan(both).chosen.head);
  // What the device does not hold, the processor does: less of it there makes no room here.
  both.shared_free_bytes = kAll + kBuffers - 1;
  EXPECT_EQ(plan(both).chosen.layers, 0);
}

TEST(GpuPlan, TheDraftModelCounts) {
  GpuNeeds drafted = needs();
  drafted.draft_bytes = 30 * kMiB;
  const auto all = plan_gpu(drafted, room(kAll + 30 * kMiB), {});
  EXPECT_TRUE(all->chosen.head);
  EXPECT_EQ(all->chosen.bytes.draft, 30 * kMiB);
  EXPECT_FALSE(plan_gpu(drafted, room(kAll + 30 * kMiB - 1), {})->chosen.head);
}

TEST(GpuContext, HalfOfWhatIsLeftBesideTheModel) {
  GpuRoom large = room(100 * kAll);
  // A block of 64 positions takes 4 MiB.
  large.limit_bytes = 450 * kMiB + kBuffers + kStaging + 2 * 1000 * kMiB;
  EXPECT_EQ(gpu_context(needs(), large, 131072), 16000);
  EXPECT_EQ(gpu_context(needs(), large, 12000), 12000);
  EXPECT_EQ(gpu_context(needs(), room(kAll), 131072), 8192) << "a long conversation";
  EXPECT_EQ(gpu_context(needs(), room(0), 4096), 4096);
}

}  // namespace
}  // namespace handmill::engine
