#include "measure/changes.h"

#include <gtest/gtest.h>

namespace handmill::measure {
namespace {

using backend::KvType;

Shape shape_of_one_part() {
  Shape shape;
  shape.config.layers = 4;
  shape.config.heads = shape.config.kv_heads = 1;
  shape.config.head_dim = 32;
  shape.parts = {{PartKind::kFeedForward, "q8_0", 4000, 4000, false}};
  shape.kv_block_bytes_f16 = 64 * 400;
  shape.kv_block_bytes_q8_0 = 64 * 200;
  return shape;
}

Machine machine_of(double bytes_s, double ops_s) {
  Machine machine;
  machine.read_bytes_s = {bytes_s, Source::kGiven};
  machine.ops_s = {ops_s, Source::kGiven};
  machine.products = {{"q8_0", {bytes_s, Source::kMeasured}, {ops_s, Source::kMeasured}}};
  machine.attention = {{"f16", {bytes_s, Source::kMeasured}, {ops_s, Source::kMeasured}},
                       {"q8_0", {bytes_s, Source::kMeasured}, {ops_s, Source::kMeasured}}};
  return machine;
}

/// Bandwidth speeds decode up alone, arithmetic prefill alone, and half the cache a deep decode.
TEST(ChangesTest, EachMovesWhatItBinds) {
  const auto got =
      what_would_change(shape_of_one_part(), machine_of(1e3, 1e5),
                        {.kv = KvType::kF16, .depth = 639, .prompt = 512, .chunk = 512});
  ASSERT_TRUE(got.ok()) << got.error().message;
  ASSERT_EQ(got->size(), 4u);
  const Change &now = (*got)[0], &memory = (*got)[1], &ops = (*got)[2], &cache = (*got)[3];
  EXPECT_NEAR(now.decode_tok_s, 1e3 / (4000 + 640 * 400), 1e-12);
  EXPECT_NEAR(memory.decode_tok_s, 2 * now.decode_tok_s, 1e-12);
  EXPECT_NEAR(ops.decode_tok_s, now.decode_tok_s, 1e-12);
  EXPECT_NEAR(cache.decode_tok_s, 1e3 / (4000 + 640 * 200), 1e-12);
  EXPECT_LT(ops.ttft_s, now.ttft_s);
  EXPECT_NE(cache.what.find("q8_0"), std::string::npos);
}

TEST(ChangesTest, WithoutARoofThereIsNone) {
  EXPECT_FALSE(what_would_change(shape_of_one_part(), Machine{}, {}).ok());
}

TEST(ChangesTest, LayersThatFitCountTheirCache) {
  const Shape shape = shape_of_one_part();  // with 128 positions 1000 + 2 · 6400 bytes a layer
  EXPECT_EQ(layers_that_fit(shape, KvType::kF16, 128, 13800 * 2.5 / 0.95), 2);
  EXPECT_EQ(layers_that_fit(shape, KvType::kF16, 128, 1e9), 4);
  EXPECT_EQ(layers_that_fit(shape, KvType::kF16, 128, 0), 0);
  EXPECT_EQ(layers_that_fit(shape, KvType::kQ8_0, 128, 7400 * 3.5 / 0.95), 3);
}

}  // namespace
}  // namespace handmill::measure
