// A split backend's arrays, caches and operations: what crosses between the sides, and who is asked
// to make what.
#include "backend/split/split.h"

#include <gtest/gtest.h>

#include "backend/split/late_device.h"
#include "backend/test_data.h"

namespace handmill::backend {
namespace {

using Counts = test::LateDevice::Counts;
using Floats = std::vector<float>;
using test::split_with_late_device;

constexpr size_t kCols = 64, kRows = 12;
constexpr LayerPlace kHere{false, 0}, kThere{true, 0};

Floats read(Backend& backend, const Array& array, size_t rows) {
  Floats values(rows * array.cols());
  backend.read(array, 0, values);
  return values;
}

class Split : public testing::Test {
 protected:
  void SetUp() override {
    backend_ = split_with_late_device({{kHere, kThere}, true}, counts_);
    x_ = array(kRows, 1), y_ = array(kRows, 2), weight_ = array(1, 3);
    const auto& format = *tensor::find_format(tensor::Type::kF32);
    const auto data = test::random_rows(format, kCols, kCols, 4);
    for (const int layer : {0, 1})
      square_[layer] = std::move(*backend_->pack(format, data, kCols, kCols, {layer}, {}));
    in_ = std::move(*backend_->activations(kRows, kCols, {.floats = true}));
    *counts_ = {};
  }
  std::unique_ptr<Array> array(size_t rows, uint32_t seed) {
    auto made = std::move(*backend_->array(rows, kCols));
    backend_->write(*made, 0, test::random_floats(rows * kCols, seed));
    return made;
  }
  void normed_product(int layer, int n, std::span<const int32_t> rows, Array& out) {
    backend_->norm(*x_, *weight_, 1e-5f, rows, n, *in_);
    const Linear product{square_[layer].get(), nullptr, &out};
    backend_->linear(*in_, n, {&product, 1});
  }

  std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Array> x_, y_, weight_;
  std::unique_ptr<Matrix> square_[2];
  std::unique_ptr<Activations> in_;
};

TEST_F(Split, ColumnsOfASharedBlock) {
  EXPECT_EQ(device_ffn_cols(1024, 0), 1024u);
  EXPECT_EQ(device_ffn_cols(256, 100), 256u) << "too narrow";
  EXPECT_EQ(device_ffn_cols(1024, 256), 768u);
  EXPECT_EQ(device_ffn_cols(1024, 384), 768u);
  EXPECT_EQ(device_ffn_cols(1024, 385), 512u);
  EXPECT_EQ(device_ffn_cols(1024, 1), 768u) << "both have some";
  EXPECT_EQ(device_ffn_cols(1024, 1024), 256u) << "both have some";
  EXPECT_EQ(device_ffn_cols(1024, size_t{1} << 40), 256u);
  EXPECT_EQ(device_ffn_cols(257, 1), 256u);
}

TEST_F(Split, RowsCrossWhenTheyAreReadAndOnlyThey) {
  const Floats before = read(*backend_, *y_, kRows);
  normed_product(1, 3, {}, *y_);
  EXPECT_EQ(counts_->writes, 2) << "x and the norm's weight";
  EXPECT_EQ(counts_->rows_written, 4u);
  EXPECT_EQ(counts_->reads, 0);
  const Floats after = read(*backend_, *y_, kRows);
  EXPECT_EQ(counts_->rows_read, 3u) << "the others are here";
  EXPECT_TRUE(std::equal(after.begin() + 3 * kCols, after.end(), before.begin() + 3 * kCols));
  EXPECT_FALSE(std::equal(after.begin(), after.begin() + 3 * kCols, before.begin()));

  normed_product(1, 5, {}, *y_);
  EXPECT_EQ(counts_->rows_written, 4u + 2u) << "two more rows of x, and no weight again";
  normed_product(0, 5, {}, *y_);
  EXPECT_EQ(counts_->rows_written, 6u);
  const Floats here = read(*backend_, *y_, kRows);
  EXPECT_EQ(counts_->rows_read, 3u);
  EXPECT_TRUE(std::equal(after.begin(), after.begin() + 3 * kCols, here.begin()))
      << "the same weights on both sides";
}

TEST_F(Split, ANormOfSomeRowsMovesTheseInRuns) {
  const int32_t rows[] = {9, 2, 3, 4, 3, 11};
  normed_product(1, 6, rows, *y_);
  EXPECT_EQ(counts_->writes, 1 + 3) << "the weight; 9; 2 to 4; 11";
  EXPECT_EQ(counts_->rows_written, 1u + 5u);
  const Floats there = read(*backend_, *y_, 6);
  normed_product(0, 6, rows, *y_);
  EXPECT_EQ(read(*backend_, *y_, 6), there);
}

TEST_F(Split, ANormIsComputedWhereItsOutputIsRead) {
  backend_->norm(*x_, *weight_, 1e-5f, {}, kRows, *in_);
  EXPECT_EQ(counts_->writes, 0);
  auto z = array(kRows, 9);
  const Linear products[] = {{square_[0].get(), nullptr, y_.get()},
                             {square_[1].get(), nullptr, z.get()}};
  backend_->linear(*in_, kRows, products);
  EXPECT_EQ(read(*backend_, *y_, kRows), read(*backend_, *z, kRows));
  EXPECT_EQ(counts_->reads, 1);
}

TEST_F(Split, SumsAreWhereTheirTermWasComputed) {
  const Floats x = read(*backend_, *x_, kRows);
  normed_product(1, 4, {}, *y_);
  const Floats y = read(*backend_, *y_, 4);
  *counts_ = {};
  backend_->add(*y_, 4, *x_);
  EXPECT_EQ(counts_->rows_written, 0u) << "x was there already";
  const Floats sum = read(*backend_, *x_, kRows);
  EXPECT_EQ(counts_->rows_read, 4u);
  for (size_t i = 0; i < sum.size(); ++i)
    ASSERT_EQ(sum[i], x[i] + (i < y.size() ? y[i] : 0.0f)) << i;
  auto z = array(kRows, 9);
  const Floats z_was = read(*backend_, *z, kRows);
  backend_->add(*y_, 4, *z);
  EXPECT_EQ(counts_->rows_written, 4u) << "z was not";
  const Floats other = read(*backend_, *z, kRows);
  for (size_t i = 0; i < other.size(); ++i)
    ASSERT_EQ(other[i], z_was[i] + (i < y.size() ? y[i] : 0.0f)) << i;
  backend_->write(*y_, 0, y);
  *counts_ = {};
  backend_->norm_add(*y_, *weight_, 1e-5f, 4, *x_);
  EXPECT_EQ(counts_->rows_read, 4u) << "what the host wrote is here";
  EXPECT_EQ(counts_->rows_written, 0u);
}

TEST_F(Split, WhatTheHostWritesReplacesWhatTheDeviceComputed) {
  normed_product(1, 4, {}, *y_);
  const Floats two = test::random_floats(2 * kCols, 8);
  const Floats computed = read(*backend_, *y_, 4);
  backend_->write(*y_, 1, two);
  Floats expected = computed;
  std::copy(two.begin(), two.end(), expected.begin() + kCols);
  *counts_ = {};
  EXPECT_EQ(read(*backend_, *y_, 4), expected);
  EXPECT_EQ(counts_->reads, 2) << "rows 0 and 3";
  backend_->add(*x_, 0, *y_);  // nothing
  EXPECT_EQ(read(*backend_, *y_, 4), expected);
}

TEST_F(Split, ACacheLiesWhereItsLayersLie) {
  const auto plain = std::move(*make_cpu_backend(1));
  const KvShape shape{.layers = 3, .kv_heads = 2, .head_dim = 32, .type = KvType::kQ8_0};
  KvShape one = shape;
  one.layers = 1;
  EXPECT_EQ(backend_->kv_block_bytes(shape), plain->kv_block_bytes(shape));
  const auto store = std::move(*backend_->kv_store(shape, 7));
  EXPECT_EQ(store->block_bytes(), plain->kv_block_bytes(shape));
  EXPECT_EQ(store->blocks(), 7);
  EXPECT_EQ(counts_->made, 1);
  ASSERT_TRUE(backend_->kv_store(one, 7).ok()) << "a model whose only layer is here";
  EXPECT_EQ(counts_->made, 1);
  KvShape odd = shape;
  odd.head_dim = 33;
  EXPECT_FALSE(backend_->kv_store(odd, 7).ok());
}

TEST_F(Split, ADeviceWithoutWorkIsAskedForNothing) {
  const auto counts = std::make_shared<Counts>();
  const auto backend = split_with_late_device({{kHere, kHere}, false}, counts);
  ASSERT_TRUE(backend->array(4, 4).ok());
  ASSERT_TRUE(backend->activations(4, 64, {.codes = true}).ok());
  ASSERT_TRUE(backend->kv_store({2, 1, 32, KvType::kF16}, 1).ok());
  EXPECT_EQ(counts->made, 0);
}

TEST_F(Split, TheLargestAreFoundWhereTheRowsAre) {
  const std::vector<int32_t> counts{1, 5, 64};
  std::vector<Largest> found(1 + 5 + 64);
  EXPECT_FALSE(backend_->largest(*y_, counts, kCols, found)) << "rows that are here";
  normed_product(1, 2, {}, *y_);
  EXPECT_FALSE(backend_->largest(*y_, counts, kCols, found)) << "one is here";
  EXPECT_EQ(counts_->asked.find("largest"), std::string::npos);
  normed_product(1, 3, {}, *y_);
  ASSERT_TRUE(backend_->largest(*y_, counts, kCols, found));
  EXPECT_NE(counts_->asked.find("largest"), std::string::npos);
  EXPECT_EQ(counts_->reads, 0);
  const Floats rows = read(*backend_, *y_, 3);
  auto one = found.begin();
  for (size_t i = 0; i < 3; ++i)
    for (const Largest& wanted :
         test::largest_by_sorting(std::span(rows).subspan(i * kCols, kCols), counts[i])) {
      EXPECT_EQ(one->col, wanted.col) << i;
      EXPECT_EQ(one++->value, wanted.value);
    }
  normed_product(0, 3, {}, *y_);
  EXPECT_FALSE(backend_->largest(*y_, counts, kCols, found)) << "the processor's product";
}

TEST_F(Split, AFullDeviceIsAnError) {
  counts_->made_max = counts_->made;
  const auto array = backend_->array(4, 4);
  ASSERT_FALSE(array.ok());
  EXPECT_EQ(array.error().message, "the device is full");
  EXPECT_FALSE(backend_->activations(4, 64, {.codes = true}).ok());
  EXPECT_FALSE(backend_->kv_store({2, 1, 32, KvType::kF16}, 1).ok());
}

TEST_F(Split, SaysWhatItIsAndWhatFailed) {
  const std::string cpu = (*make_cpu_backend(1))->description();
  EXPECT_EQ(backend_->description(), cpu + " + a late device for 1 of 2 layers, and the head");
  const auto shared = split_with_late_device({{kHere, kThere, {true, 300}}, false});
  EXPECT_EQ(shared->description(), cpu + " + a late device for 2 of 3 layers, 1 of them shared");
  EXPECT_TRUE(backend_->fault().ok());
  counts_->fault = "the device is lost";
  ASSERT_FALSE(backend_->fault().ok());
  EXPECT_EQ(backend_->fault().error().message, "the device is lost");
}

// A byte a second beside the processor's many: two equal matrices, one on each side, take as long
// as the device takes for its own.
TEST_F(Split, RoofsAreThoseOfBothSidesInTurn) {
  counts_->roofs = {.read_bytes_s = 1, .int8_ops_s = 3};
  const Roofs roofs = std::move(*backend_->measure_roofs());
  EXPECT_NEAR(roofs.read_bytes_s, 2, 1e-3);
  EXPECT_NEAR(roofs.int8_ops_s, 6, 1e-3);
  const auto alone = split_with_late_device({{kHere, kHere}, false}, counts_);
  EXPECT_GT((*alone->measure_roofs()).read_bytes_s, 1e3);
}

TEST_F(Split, TwoLayoutsAreNoSplit) {
  counts_->layout = "tiles";
  const auto made = make_split_backend(
      std::move(*make_cpu_backend(1)),
      std::make_unique<test::LateDevice>(std::move(*make_cpu_backend(1)), counts_), {});
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message.find("tiles"), std::string::npos) << made.error().message;
}

}  // namespace
}  // namespace handmill::backend
