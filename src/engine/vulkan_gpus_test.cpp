// Engines on what Vulkan offers here, a processor's emulation too.
#include "engine/vulkan_gpus.h"

#include <cstdlib>
#include <gtest/gtest.h>

#include "engine/test_engine.h"

namespace handmill::engine {
namespace {

class VulkanGpus : public testing::Test {
 protected:
  /// The number of the first device that will do.
  void SetUp() override {
    const auto devices = backend::list_vulkan_devices();
    if (devices.ok())
      for (const backend::VulkanDevice& device : *devices)
        if (device.missing.empty() && name_.empty()) name_ = std::to_string(device.index);
    if (!name_.empty()) return;
    ASSERT_EQ(std::getenv("HANDMILL_REQUIRE_VULKAN"), nullptr) << "there is no Vulkan device";
    GTEST_SKIP() << "there is no Vulkan device";
  }

  Options options(int fail_allocation = 0, int lose_after = 0) const {
    backend::VulkanOptions vulkan;
    vulkan.fail_allocation = fail_allocation;
    vulkan.lose_after = lose_after;
    Options out{.threads = 1, .context = 256, .prefill_chunk = 32};
    vulkan.validate = std::getenv("HANDMILL_REQUIRE_VULKAN") != nullptr;
    out.gpu.device = name_;
    out.gpu.find = vulkan_gpus(vulkan);
    return out;
  }

  static model::TinyModel tiny() { return {.width = 128, .ffn_width = 512}; }

  std::string name_;
};

TEST_F(VulkanGpus, ADeviceSaysWhatItHas) {
  const auto found = vulkan_gpus({})(name_);
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_FALSE((*found)->name.empty());
  EXPECT_GT((*found)->budget_bytes, 0u);
  EXPECT_LE((*found)->budget_bytes, (*found)->heap_bytes);
  const auto none = vulkan_gpus({})("no such device");
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, Code::kNotFound);
}

TEST_F(VulkanGpus, OneAnswerAloneAndAmongOthersWhereverTheLayersAre) {
  for (const int layers : {1, 3, 4}) {
    Options settings = options();
    settings.gpu.layers = layers;
    TestEngine engine(tiny(), settings);
    ASSERT_TRUE(engine.ok());
    EXPECT_TRUE(engine->uses_gpu());
    const Answer alone = engine.ask(request(random_prompt(40, 1), 8));
    EXPECT_EQ(alone.tokens.size(), 8u);
    engine->clear_cache();
    std::vector<RequestId> ids;
    for (const uint32_t seed : {2u, 1u, 3u})
      ids.push_back(engine.submit(request(random_prompt(40, seed), 8)));
    engine->drain();
    expect_same(engine.answer(ids[1]), alone, engine->description());
  }
}

TEST_F(VulkanGpus, OutOfMemoryAsksForLess) {
  for (const int fails : {1, 12, 30}) {
    TestEngine engine(tiny(), options(fails));
    ASSERT_TRUE(engine.ok()) << fails;
    EXPECT_EQ(engine.ask(request(random_prompt(40, 1), 4)).tokens.size(), 4u);
  }
}

TEST_F(VulkanGpus, ALostDeviceEndsItsRequestsAndTheOthersGoOn) {
  Options settings = options(0, 40);
  settings.max_sequences = 1;
  TestEngine engine(tiny(), settings);
  ASSERT_TRUE(engine.ok());
  const RequestId lost = engine.submit(request(random_prompt(40, 1), 200));
  const RequestId waits = engine.submit(request(random_prompt(40, 2), 4));
  engine->drain();
  EXPECT_EQ(engine.answer(lost).finish, Finish::kError);
  EXPECT_NE(engine.answer(lost).error.find("lost"), std::string::npos) << engine.answer(lost).error;
  EXPECT_EQ(engine.answer(waits).finish, Finish::kLength);
  EXPECT_FALSE(engine->uses_gpu());
}

}  // namespace
}  // namespace handmill::engine
