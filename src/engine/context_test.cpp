#include "engine/context.h"

#include <gtest/gtest.h>
#include <vector>

#include "gguf/writer.h"

namespace handmill::engine {
namespace {

constexpr uint64_t kMiB = 1 << 20;

TEST(CheckWeights, WhatTheWholeMemoryCannotHoldIsRefused) {
  gguf::Writer writer;
  const std::vector<uint8_t> data(3 << 20);
  const std::vector<uint64_t> shape = {uint64_t{3} << 18};
  for (const char* name : {"a", "b"})
    ASSERT_TRUE(writer.add_tensor(name, tensor::Type::kF32, shape, data).ok());
  const auto bytes = writer.bytes();
  const auto file = gguf::File::parse(bytes, "m.gguf");
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_TRUE(check_weights(*file, 6 * kMiB).ok());
  EXPECT_TRUE(check_weights(*file, 0).ok()) << "unknown";
  const Status refused = check_weights(*file, 6 * kMiB - 1);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kLimit);
  EXPECT_EQ(refused.error().message, "m.gguf: its tensors take 6 MiB; there are 6 MiB of memory");
  const Status far = check_weights(*file, 2 * kMiB);
  ASSERT_FALSE(far.ok());
  EXPECT_EQ(far.error().message, "m.gguf: its tensors take 6 MiB; there are 2 MiB of memory");
  EXPECT_TRUE(check_weights(*file, 2 * kMiB, 4 * kMiB).ok()) << "a device has the rest";
  const Status beside = check_weights(*file, 2 * kMiB, 3 * kMiB);
  ASSERT_FALSE(beside.ok());
  EXPECT_EQ(beside.error().message,
            "m.gguf: its tensors take 3 MiB beside what the GPU holds; there are 2 MiB of memory");
}

TEST(PlanContext, TakesTheModelsOwnWhereItFits) {
  EXPECT_EQ(*plan_context(0, 8192, kMiB, 1024 * kMiB), 8192);
  EXPECT_EQ(*plan_context(0, 8191, kMiB, 1024 * kMiB), 8191);
}

TEST(PlanContext, TakesHalfOfTheFreeMemoryWhereItDoesNot) {
  EXPECT_EQ(*plan_context(0, 131072, kMiB, 1024 * kMiB), 512 * 64);
  EXPECT_EQ(*plan_context(0, 131072, kMiB, 2 * kMiB), 64);
}

TEST(PlanContext, NoRoomIsAnErrorWithBothSizes) {
  const auto none = plan_context(0, 8192, 4 * kMiB, 6 * kMiB);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, Code::kLimit);
  EXPECT_NE(none.error().message.find("4.0 MiB, 6.0 MiB"), std::string::npos);
}

TEST(PlanContext, WhatIsAskedForMustFit) {
  EXPECT_EQ(*plan_context(1000, 8192, kMiB, 16 * kMiB), 1000);
  const auto more = plan_context(1025, 8192, kMiB, 16 * kMiB);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().code, Code::kLimit);
  EXPECT_NE(more.error().message.find("1025"), std::string::npos) << more.error().message;
  EXPECT_NE(more.error().message.find("17 MiB"), std::string::npos) << more.error().message;
  EXPECT_EQ(*plan_context(20000, 8192, kMiB, 1024 * kMiB), 20000) << "for several sequences";
}

TEST(PlanContext, ACacheThatIsElsewhereTakesNone) {
  EXPECT_EQ(*plan_context(0, 8192, 0, kMiB), 8192);
  EXPECT_EQ(*plan_context(100000, 8192, 0, kMiB), 100000);
}

TEST(PlanContext, UnknownMemory) {
  EXPECT_EQ(*plan_context(0, 131072, kMiB, 0), 4096);
  EXPECT_EQ(*plan_context(0, 2048, kMiB, 0), 2048);
  EXPECT_EQ(*plan_context(100000, 2048, kMiB, 0), 100000);
}

}  // namespace
}  // namespace handmill::engine
