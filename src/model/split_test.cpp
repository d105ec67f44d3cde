// A model split between two backends, both the processor's: whatever is where, it is the same
// model; where blocks are shared, one that adds in another order, the same for every batch. The
// device is one that does nothing until it is read from.
#include "backend/split/split.h"

#include <gtest/gtest.h>

#include "backend/cpu/cpu.h"
#include "backend/split/late_device.h"
#include "base/count_allocations.h"
#include "model/model.h"
#include "model/test_runner.h"
#include "model/tiny_model.h"

namespace handmill::model {
namespace {

using backend::KvType;
using backend::Placement;
using backend::test::split_with_late_device;
using Counts = backend::test::LateDevice::Counts;
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

std::unique_ptr<backend::Backend> cpu(int threads = 1) {
  return std::move(*backend::make_cpu_backend(threads));
}

struct Case {
  const char* architecture;
  KvType kv;
  bool floats = false;
};

class Split : public testing::TestWithParam<Case> {
 protected:
  std::shared_ptr<const gguf::File> file() const {
    TinyModel tiny{
        .architecture = GetParam().architecture, .layers = kLayers, .ffn_width = kFfnWidth};
    tiny.tied = !GetParam().floats;
    tiny.biases = {"blk.0.ffn_down.bias", "blk.1.ffn_down.bias", "blk.2.attn_output.bias"};
    if (GetParam().floats)
      tiny.types = {tensor::Type::kF16, tensor::Type::kQ8_0, tensor::Type::kF32,
                    tensor::Type::kBF16, tensor::Type::kQ4_0};
    return tiny.open();
  }
};

TEST_P(Split, EveryPlacementIsTheSameModel) {
  const Tokens tokens = random_tokens(70, 3);
  const auto model = file();
  const Rows expected = Runner(model, cpu(), GetParam().kv).run(tokens, 32);
  for (unsigned bits = 0; bits < 1u << (kLayers + 1); ++bits) {
    Placement placement;
    for (unsigned layer = 0; layer < kLayers; ++layer)
      placement.layers.push_back((bits >> layer & 1) != 0 ? kThere : kHere);
    placement.head_on_device = (bits >> kLayers & 1) != 0;
    Runner runner(model, split_with_late_device(placement), GetParam().kv);
    for (size_t chunk : {32u, 1u})
      ASSERT_EQ(runner.run(tokens, chunk), expected) << "placement " << bits;
  }
}

TEST_P(Split, SharedBlocksAddInOneOrder) {
  const Tokens tokens = random_tokens(70, 4), other = random_tokens(40, 5);
  const auto model = file();
  const Rows whole = Runner(model, cpu(), GetParam().kv).run(tokens, 32);
  const Placement placements[] = {
      {{shared(300), shared(300), shared(300)}, true},
      {{shared(1), shared(256), shared(640)}, false},
      {{kHere, shared(400), kThere}, true},
      {{shared(300), kHere, shared(512)}, false},
  };
  for (const Placement& placement : placements) {
    Runner runner(model, split_with_late_device(placement), GetParam().kv);
    const Rows expected = runner.run(tokens, 128);
    EXPECT_NE(expected, whole) << "nothing was shared";
    EXPECT_LT(nmse(expected, whole), 1e-4);
    for (size_t chunk : {32u, 7u, 1u}) ASSERT_EQ(runner.run(tokens, chunk), expected) << chunk;
    const Tokens table{2, 1, 0, 3}, others{7, 5};
    const Rows together = runner.run({{other, 0, others}, {tokens, 0, table}});
    ASSERT_EQ(Rows(together.begin() + 40, together.end()), expected);
  }
}

TEST_P(Split, ASharedBlockCrossesOnceEachWay) {
  const auto counts = std::make_shared<Counts>();
  Runner runner(file(), split_with_late_device({{shared(300), kThere, shared(300)}, true}, counts),
                GetParam().kv);
  auto step = [&](int position) {
    std::vector<float> row(300);
    runner.backend().read(runner.decode(65, position), 0, row);
  };
  step(0);
  step(1);
  const Counts before = *counts;
  step(2);
  // Each shared block: the residual stream to the processor, and its sum to the device. Beside
  // them the logits come, and the embedding and the angles of each kind of layer go.
  const int angles = std::string_view(GetParam().architecture) == "gemma3" ? 2 : 1;
  EXPECT_EQ(counts->reads - before.reads, 2 + 1);
  EXPECT_EQ(counts->writes - before.writes, 2 + 1 + angles);
  EXPECT_EQ(counts->rows_read - before.rows_read, 3u);
  EXPECT_EQ(counts->rows_written - before.rows_written, static_cast<size_t>(3 + angles));
}

constexpr Case kCases[] = {
    {"llama", KvType::kF16},   {"qwen2", KvType::kQ8_0},       {"qwen3", KvType::kF16},
    {"gemma3", KvType::kQ8_0}, {"llama", KvType::kQ8_0, true}, {"gemma3", KvType::kF16, true},
};
INSTANTIATE_TEST_SUITE_P(Each, Split, testing::ValuesIn(kCases), [](const auto& test) {
  return std::string(test.param.architecture) + (test.param.kv == KvType::kF16 ? "_f16" : "_q8_0") +
         (test.param.floats ? "_floats" : "");
});

// What the processor waits for comes before the device's share, and its own share after all that
// the device can do meanwhile.
TEST(SplitModel, BothSidesOfASharedBlockWorkAtOnce) {
  const auto counts = std::make_shared<Counts>();
  const TinyModel tiny{.layers = 1, .ffn_width = kFfnWidth};
  Runner runner(tiny.open(), split_with_late_device({{shared(300)}, false}, counts));
  runner.decode(65, 0);
  counts->asked.clear();
  runner.decode(65, 1);
  EXPECT_EQ(counts->asked,
            "write norm linear write attend linear_add "
            "fetch norm gated linear_add start wait write add "
            "read ");
  counts->asked.clear();
  const TinyModel gemma{.architecture = "gemma3", .layers = 1, .ffn_width = kFfnWidth};
  Runner other(gemma.open(), split_with_late_device({{shared(300)}, false}, counts));
  other.decode(65, 0);
  counts->asked.clear();
  other.decode(65, 1);
  EXPECT_EQ(counts->asked,
            "write norm linear write attend linear norm_add "
            "fetch norm gated linear start wait write add norm_add "
            "read ");
}

TEST(SplitModel, ADeviceThatRunsFullFailsTheLoad) {
  const auto file = TinyModel{.layers = kLayers, .ffn_width = kFfnWidth}.open();
  const auto counts = std::make_shared<Counts>();
  bool loaded = false;
  for (counts->made_max = 0; !loaded; ++counts->made_max) {
    counts->made = 0;
    const auto backend = split_with_late_device({{shared(300), kHere, kThere}, true}, counts);
    const auto model = Model::load(*file, *backend, 8, 8);
    loaded = model.ok();
    if (loaded) break;
    ASSERT_EQ(model.error().code, Code::kLimit) << model.error().message;
    ASSERT_NE(model.error().message.find("the device is full"), std::string::npos);
    ASSERT_LT(counts->made_max, 1000);
  }
  EXPECT_GT(counts->made_max, 20);
}

#if HANDMILL_COUNTS_ALLOCATIONS
TEST(SplitModel, ASteadyStepAllocatesNothing) {
  const TinyModel tiny{.layers = kLayers, .ffn_width = kFfnWidth};
  Runner runner(tiny.open(), std::move(*backend::make_split_backend(
                                 cpu(), cpu(), {{shared(300), kHere, shared(300)}, true})));
  for (int position = 0; position < 4; ++position) runner.decode(66, position);
  const uint64_t before = base::allocations;
  for (int position = 4; position < 100; ++position) runner.decode(66, position);
  const uint64_t made = base::allocations - before;
  EXPECT_EQ(made, 0u);
}
#endif

}  // namespace
}  // namespace handmill::model
