// Models on a Vulkan device, alone and split with the processor: near what the processor computes,
// and the same bits for every batch and chunk.
#include <gtest/gtest.h>

#include "backend/cpu/cpu.h"
#include "backend/split/split.h"
#include "backend/vulkan/test_device.h"
#include "backend/vulkan/vulkan_backend.h"
#include "model/test_runner.h"
#include "model/tiny_model.h"

namespace handmill::model {
namespace {

using backend::KvType;
using backend::LayerPlace;
using backend::Placement;
using test::kFfnWidth;
using test::kHere;
using test::kLayers;
using test::kThere;
using test::nmse;
using test::random_tokens;
using test::Rows;
using test::Runner;
using test::shared;
using test::Tokens;

struct Case {
  const char* architecture;
  KvType kv;
  bool floats = false;
};

class OnVulkan : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (backend::test::vulkan_backend() == nullptr) GTEST_SKIP();
    TinyModel tiny{
        .architecture = GetParam().architecture, .layers = kLayers, .ffn_width = kFfnWidth};
    tiny.biases = {"blk.0.ffn_down.bias", "blk.1.attn_k.bias", "blk.2.attn_output.bias"};
    tiny.types = GetParam().floats ? std::vector{tensor::Type::kF16, tensor::Type::kF32}
                                   : std::vector{tensor::Type::kQ8_0, tensor::Type::kQ4_1};
    file_ = tiny.open();
  }
  static std::unique_ptr<backend::Backend> cpu() {
    return std::move(*backend::make_cpu_backend(2));
  }
  /// Codes that round the other way, in a model so narrow; floats have none. The processor's cache
  /// of codes makes codes of queries and weights too.
  static double bound() {
    return GetParam().floats ? 1e-7 : GetParam().kv == KvType::kF16 ? 1e-3 : 4e-3;
  }
  Rows on_cpu(const Tokens& tokens) { return Runner(file_, cpu(), GetParam().kv).run(tokens, 32); }

  std::shared_ptr<const gguf::File> file_;
};

TEST_P(OnVulkan, IsTheModelAndTheSameBitsForEveryBatch) {
  const Tokens tokens = random_tokens(90, 3), other = random_tokens(33, 5);
  Runner runner(file_, backend::test::vulkan_backend(), GetParam().kv);
  const Rows expected = runner.run(tokens, 128);
  EXPECT_LT(nmse(expected, on_cpu(tokens)), bound());
  for (const size_t chunk : {32u, 7u, 1u}) ASSERT_EQ(runner.run(tokens, chunk), expected) << chunk;
  const Tokens table{2, 1, 0, 3}, others{7, 5};
  const Rows together = runner.run({{other, 0, others}, {tokens, 0, table}});
  EXPECT_EQ(Rows(together.begin() + 33, together.end()), expected);
  EXPECT_TRUE(runner.backend().fault().ok()) << runner.backend().fault().error().message;
}

TEST_P(OnVulkan, IsTheModelInTwoPlaces) {
  const Tokens tokens = random_tokens(70, 4);
  const Rows whole = on_cpu(tokens);
  const Placement placements[] = {
      {{kHere, kHere, kHere}, true},        {{kHere, kThere, kThere}, true},
      {{kThere, kHere, kThere}, false},     {{shared(300), shared(300), shared(300)}, true},
      {{kHere, shared(400), kThere}, true},
  };
  for (const Placement& placement : placements) {
    Runner runner(file_,
                  std::move(*backend::make_split_backend(
                      cpu(), backend::test::vulkan_backend({.unmapped = true}), placement)),
                  GetParam().kv);
    const Rows expected = runner.run(tokens, 128);
    EXPECT_LT(nmse(expected, whole), bound());
    for (const size_t chunk : {32u, 1u}) ASSERT_EQ(runner.run(tokens, chunk), expected) << chunk;
    EXPECT_TRUE(runner.backend().fault().ok()) << runner.backend().fault().error().message;
  }
}

constexpr Case kCases[] = {
    {"llama", KvType::kF16},
    {"qwen2", KvType::kQ8_0},
    {"qwen3", KvType::kQ8_0},
    {"gemma3", KvType::kF16, true},
};
INSTANTIATE_TEST_SUITE_P(Each, OnVulkan, testing::ValuesIn(kCases), [](const auto& test) {
  return std::string(test.param.architecture) + (test.param.kv == KvType::kF16 ? "_f16" : "_q8_0");
});

// Two submissions a shared layer, of which a large model has eighty.
TEST(Vulkan, ASteadyStepOfASharedModelRecordsNothing) {
  const TinyModel tiny{.layers = 80, .ffn_width = 512};
  auto device = backend::test::vulkan_backend();
  if (device == nullptr) GTEST_SKIP();
  const auto& vulkan = static_cast<const backend::vulkan::VulkanBackend&>(*device);
  Placement placement{std::vector<LayerPlace>(80, shared(256)), true};
  Runner runner(tiny.open(),
                std::move(*backend::make_split_backend(std::move(*backend::make_cpu_backend(1)),
                                                       std::move(device), std::move(placement))));
  std::vector<float> logits(300);
  auto step = [&](int position) { runner.backend().read(runner.decode(65, position), 0, logits); };
  for (int position = 0; position < 3; ++position) step(position);
  const uint64_t before = vulkan.recordings();
  EXPECT_GT(before, 160u);
  for (int position = 3; position < 6; ++position) step(position);
  EXPECT_EQ(vulkan.recordings(), before);
}

// Weights that were packed before, and others; memory that both see, and a card's own.
TEST(Vulkan, WeightsComeByEveryWayAlike) {
  const auto file = TinyModel{.layers = 2}.open();
  if (backend::test::vulkan_backend() == nullptr) GTEST_SKIP();
  const Tokens tokens = random_tokens(9, 1);
  const Rows expected = Runner(file, backend::test::vulkan_backend()).run(tokens, 9);
  EXPECT_EQ(Runner(file, backend::test::vulkan_backend({.unmapped = true})).run(tokens, 9),
            expected);
  // More than goes at once.
  const auto& format = *tensor::find_format(tensor::Type::kQ8_0);
  const size_t rows = 9000, cols = 2048;
  const std::vector<uint8_t> data(rows * cols / 32 * 34, 0x11);
  const auto cpu = std::move(*backend::make_cpu_backend(2));
  const auto packed = std::move(*cpu->pack(format, data, rows, cols, {}, {}));
  const auto device = backend::test::vulkan_backend({.threads = 2, .unmapped = true});
  const auto sum = [&](const backend::Matrix& matrix, backend::Backend& on) {
    auto x = std::move(*on.array(1, cols)), one = std::move(*on.array(1, cols)),
         y = std::move(*on.array(1, rows));
    on.write(*x, 0, std::vector<float>(cols, 1));
    on.write(*one, 0, std::vector<float>(cols, 1));
    auto in = std::move(*on.activations(1, cols, {.codes = true}));
    on.norm(*x, *one, 0, {}, 1, *in);
    const backend::Linear product{&matrix, nullptr, y.get()};
    on.linear(*in, 1, {&product, 1});
    std::vector<float> row(rows);
    on.read(*y, 0, row);
    return row;
  };
  const auto own = std::move(*device->pack(format, data, rows, cols, {}, {}));
  const auto adopted =
      std::move(*device->adopt(format, rows, cols, {}, {packed->packed(), nullptr}));
  const auto here = sum(*packed, *cpu), there = sum(*own, *device);
  EXPECT_EQ(sum(*adopted, *device), there);
  for (size_t row = 0; row < rows; ++row) ASSERT_NEAR(there[row], here[row], 1e-4) << row;
}

TEST(Vulkan, NoMemoryFailsTheLoadWhereverItRunsOut) {
  const auto file = TinyModel{.layers = 2}.open();
  if (backend::test::vulkan_backend() == nullptr) GTEST_SKIP();
  bool loaded = false;
  for (int at = 2; !loaded; at += 3) {
    const auto device = backend::test::vulkan_backend({.fail_allocation = at});
    const auto model = Model::load(*file, *device, 8, 8);
    loaded = model.ok();
    if (!loaded) {
      EXPECT_EQ(model.error().code, Code::kLimit) << model.error().message;
    }
    ASSERT_LT(at, 200);
  }
}

TEST(Vulkan, ALostDeviceIsAFaultAndDoesNothingMore) {
  const auto file = TinyModel{.layers = 2}.open();
  if (backend::test::vulkan_backend() == nullptr) GTEST_SKIP();
  Runner runner(file, backend::test::vulkan_backend({.lose_after = 3}));
  for (int i = 0; i < 8; ++i) runner.run(random_tokens(3, 1), 1);
  ASSERT_FALSE(runner.backend().fault().ok());
  EXPECT_NE(runner.backend().fault().error().message.find("lost"), std::string::npos);
}

}  // namespace
}  // namespace handmill::model
