// Against seconds reckoned by hand, on a shape of two parts and one layer of attention.
#include "measure/predict.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace handmill::measure {
namespace {

using backend::KvType;

Shape two_parts() {
  Shape shape;
  shape.config.layers = 2;
  shape.config.heads = 4;
  shape.config.kv_heads = 2;
  shape.config.head_dim = 32;
  shape.parts = {{PartKind::kFeedForward, "q8_0", 1000, 900, false},
                 {PartKind::kHead, "q4_k", 500, 800, true}};
  shape.kv_block_bytes_f16 = 2 * 256 * 64;  // 2 · 2 heads · 32 · 2 bytes a layer and position
  shape.kv_block_bytes_q8_0 = 2 * 128 * 64;
  return shape;
}

Machine roofs(double bytes_s, double ops_s) {
  Machine machine;
  machine.read_bytes_s = {bytes_s, Source::kGiven};
  machine.ops_s = {ops_s, Source::kGiven};
  return machine;
}

TEST(PredictTest, DecodeReadsEveryPartAndTheCache) {
  const auto got = predict_decode(two_parts(), roofs(100, 1e9), KvType::kF16, 9);
  EXPECT_NEAR(got->seconds, (1000 + 500 + 2 * 10 * 256) / 75.0, 1e-9);
  EXPECT_EQ(got->memory_s, got->seconds);
  EXPECT_EQ(got->basis, Basis::kRoof);
  EXPECT_NEAR(got->high(), 1.3 * got->seconds, 1e-9);
  EXPECT_LT(predict_decode(two_parts(), roofs(100, 1e9), KvType::kQ8_0, 9)->seconds, got->seconds);
}

TEST(PredictTest, PrefillComputesTheHeadOnceAndEveryPair) {
  const auto got = predict_prefill(two_parts(), roofs(1e12, 100), KvType::kF16, 5, 0, 2);
  const double pairs = 2 * 5 * backend::kKvBlock;  // a block is computed whole
  EXPECT_NEAR(got->seconds, (2 * 900 * 5 + 2 * 800 + 4 * pairs * 4 * 32) / 50, 1e-6);
  EXPECT_EQ(got->ops_s, got->seconds);
}

TEST(PredictTest, EachChunkReadsTheWeightsAgain) {
  const auto got = predict_prefill(two_parts(), roofs(100, 1e12), KvType::kF16, 4, 0, 2);
  EXPECT_NEAR(got->seconds, (2 * 1000 + 500 + 2 * (2 + 4) * 256) / 75.0, 1e-9);
}

TEST(PredictTest, MeasuredRatesAndLayersComeFirst) {
  Machine machine = roofs(100, 1e9);
  const Figure fast{1e9, Source::kMeasured};
  machine.products = {{"q8_0", {50, Source::kMeasured}, fast},
                      {"q4_k", {25, Source::kMeasured}, fast}};
  machine.attention = {{"f16", {10, Source::kMeasured}, fast}};
  machine.layer_s = {3, Source::kMeasured};
  const auto got = predict_decode(two_parts(), machine, KvType::kF16, 0);
  EXPECT_NEAR(got->seconds, 1000 / 50.0 + 500 / 25.0 + 2 * 256 / 10.0 + 2 * 3, 1e-6);
  EXPECT_EQ(got->basis, Basis::kMeasured);
  EXPECT_NEAR(got->low(), 0.9 * got->seconds, 1e-9);
  machine.attention_64 = {{"f16", {5, Source::kMeasured}, fast}};  // the shape's heads are of 32
  EXPECT_NEAR(predict_decode(two_parts(), machine, KvType::kF16, 0)->seconds,
              1000 / 50.0 + 500 / 25.0 + 2 * 256 / 5.0 + 2 * 3, 1e-6);
  machine.attention_64.clear();
  machine.attention.clear();
  EXPECT_EQ(predict_decode(two_parts(), machine, KvType::kF16, 0)->basis, Basis::kRoof);
}

TEST(PredictTest, ManyRowsPassBetweenProducts) {
  Shape shape = two_parts();
  shape.config.width = 128;
  shape.config.ffn_width = 300;
  shape.parts[0].codings = 2;
  Machine machine = roofs(1e12, 1e12);
  machine.elements_s = {100, Source::kMeasured};
  const double elements = 2 * (2 * 128 + 2 * (4 + 2) * 32 + 300);
  EXPECT_NEAR(predict_prefill(shape, machine, KvType::kF16, 6, 0, 3)->layers_s,
              (2 + 2) * elements / 100, 1e-6);
  EXPECT_EQ(predict_decode(shape, machine, KvType::kF16, 0)->layers_s, 0);
  const double once = predict_prefill(two_parts(), machine, KvType::kF16, 6, 0, 6)->ops_s;
  EXPECT_NEAR(predict_prefill(shape, machine, KvType::kF16, 6, 0, 6)->ops_s,
              once + 2.0 * 900 * 6 / 0.5e12, 1e-12);
}

TEST(PredictTest, ASplitIsOneAfterTheOther) {
  const Shape shape = two_parts();
  const Machine fast = roofs(1000, 1e9), slow = roofs(100, 1e9);
  const auto split = [&](int layers, bool head) {
    return predict_split_decode(shape, fast, slow, KvType::kF16, 9, layers, head)->seconds;
  };
  const double layer = 500 + 10 * 256;
  EXPECT_NEAR(split(1, false), layer / 750 + (layer + 500) / 75, 1e-9);
  EXPECT_NEAR(split(1, true), (layer + 500) / 750 + layer / 75, 1e-9);
  EXPECT_NEAR(split(0, false), predict_decode(shape, slow, KvType::kF16, 9)->seconds, 1e-9);
  EXPECT_NEAR(split(2, true), predict_decode(shape, fast, KvType::kF16, 9)->seconds, 1e-9);
}

/// Tokens a second of a 7B Q4_0 with so many of its 35 units on a GPU (the README of llama-bench,
/// an RTX 3080 beside a processor): from all, all but the last and ten, the other five.
TEST(PredictTest, ASplitReproducesAPublishedSweep) {
  struct Run {
    int units;
    double tok_s;
  };
  constexpr Run kLeast{10, 13.45}, kAllButLast{34, 71.76}, kAll{35, 131.66};
  constexpr Run kHeldOut[] = {{20, 21.36}, {30, 40.04}, {31, 48.19}, {32, 54.78}, {33, 60.62}};
  constexpr int kUnits = 34;  // and the head
  Shape shape = two_parts();
  shape.config.layers = kUnits;
  shape.kv_block_bytes_f16 = 0;
  shape.parts[0].bytes = kUnits * 110'000'000ULL;
  shape.parts[1].bytes = 107'000'000;
  const double all = 34 * 110e6 + 107e6, head = 107e6;
  const double fast_bytes_s = all * kAll.tok_s;
  const double more_a_unit =
      (1 / kLeast.tok_s - 1 / kAllButLast.tok_s) / (kAllButLast.units - kLeast.units);
  Machine fast = roofs(fast_bytes_s / kReadShare, 1e15);
  Machine slow = roofs(110e6 / (more_a_unit + 110e6 / fast_bytes_s) / kReadShare, 1e15);
  // The head's format is another, and so is its rate.
  slow.products = {{"q4_k",
                    {head / (1 / kAllButLast.tok_s - 34 * 110e6 / fast_bytes_s), Source::kMeasured},
                    {1e15, Source::kMeasured}}};
  const auto tok_s = [&](int units) {
    return 1 / predict_split_decode(shape, fast, slow, KvType::kF16, 0, std::min(units, kUnits),
                                    units > kUnits)
                   ->seconds;
  };
  for (const Run& run : {kLeast, kAllButLast, kAll})
    EXPECT_NEAR(tok_s(run.units), run.tok_s, 0.01 * run.tok_s) << run.units;
  for (const Run& run : kHeldOut)
    EXPECT_NEAR(tok_s(run.units), run.tok_s, 0.05 * run.tok_s) << run.units;
}

TEST(PredictTest, WithoutARoofThereIsNoNumber) {
  Machine machine = roofs(100, 100);
  machine.ops_s = {};
  EXPECT_FALSE(predict_decode(two_parts(), machine, KvType::kF16, 0).ok());
  EXPECT_FALSE(predict_prefill(two_parts(), machine, KvType::kF16, 1, 0, 1).ok());
}

}  // namespace
}  // namespace handmill::measure
