// The bytes and operations of a batch, against numbers counted by hand: 3 layers, width 64, 4 heads
// of 32 over 2, feed-forward 96, vocabulary 300, all matrices Q8_0 (34 bytes for 32 weights).
#include "model/work.h"

#include <gtest/gtest.h>

#include "backend/cpu/cpu_backend.h"
#include "model/model.h"
#include "model/tiny_model.h"

namespace handmill::model {
namespace {

// q and output 128 · 64 each, k and v 64 · 64 each, gate, up and down 96 · 64 each
constexpr uint64_t kLayerElements = 2 * 8192 + 2 * 4096 + 3 * 6144;
constexpr uint64_t kHeadElements = 300 * 64;
constexpr uint64_t kNormBytes = 64 * 4;
constexpr uint64_t kBody = 3 * (kLayerElements / 32 * 34 + 2 * kNormBytes);
constexpr uint64_t kHead = kHeadElements / 32 * 34 + kNormBytes;
constexpr uint64_t kEmbeddingRow = 2 * 34;
constexpr uint64_t kPosition = 2 * 2 * 32 * 2;  // of a layer: k and v, heads, dim, f16
constexpr uint64_t kPair = 4 * 4 * 32;          // of a layer: two multiply-adds, heads, dim

class WorkOf {
 public:
  explicit WorkOf(TinyModel tiny, backend::KvType kv = backend::KvType::kF16) {
    tiny.types = {tensor::Type::kQ8_0};
    file_ = tiny.open();
    auto model = Model::load(*file_, backend_, 64, 16);
    if (!model.ok()) throw std::runtime_error(model.error().message);
    model_ = std::move(*model);
    auto store = backend_.kv_store(model_->kv_shape(kv), 4);
    if (!store.ok()) throw std::runtime_error(store.error().message);
    store_ = std::move(*store);
  }
  /// Rows of sequences[i] at positions[i].
  Work operator()(const std::vector<int32_t>& positions, const std::vector<int32_t>& sequences,
                  size_t outputs) const {
    return model_->work({positions, sequences, {}}, outputs, *store_);
  }

 private:
  backend::CpuBackend backend_{backend::scalar_kernels(), 1};
  std::shared_ptr<const gguf::File> file_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<backend::KvStore> store_;
};

TEST(WorkTest, ADecodeStepReadsTheWeightsOnceAndItsKeysOfTheFewHeads) {
  const Work work = WorkOf(TinyModel{})({9}, {0}, 1);
  EXPECT_EQ(work.weight_bytes, kBody + kHead + kEmbeddingRow);
  EXPECT_EQ(work.kv_bytes, 3 * 10 * kPosition);
  EXPECT_EQ(work.product_ops, 2 * (3 * kLayerElements + kHeadElements));
  EXPECT_EQ(work.attention_ops, 3 * 10 * kPair);
  EXPECT_EQ(work.bytes(), work.weight_bytes + work.kv_bytes);
  EXPECT_EQ(work.ops(), work.product_ops + work.attention_ops);
}

TEST(WorkTest, AnUntiedEmbeddingCountsOneRow) {
  EXPECT_EQ(WorkOf(TinyModel{.tied = false})({9}, {0}, 1).weight_bytes,
            kBody + kHead + kEmbeddingRow);
}

TEST(WorkTest, BiasesAreRead) {
  TinyModel tiny;
  tiny.biases = {"blk.1.attn_k.bias"};
  EXPECT_EQ(WorkOf(tiny)({9}, {0}, 1).weight_bytes, kBody + kHead + kEmbeddingRow + 64 * 4);
}

TEST(WorkTest, APrefillReadsWeightsAndKeysOnceForAllItsRows) {
  const Work work = WorkOf(TinyModel{})({3, 4, 5, 6, 7}, {0, 0, 0, 0, 0}, 0);
  EXPECT_EQ(work.weight_bytes, kBody + 5 * kEmbeddingRow);  // nobody wants logits
  EXPECT_EQ(work.kv_bytes, 3 * 8 * kPosition);
  EXPECT_EQ(work.product_ops, 2 * 5 * 3 * kLayerElements);
  EXPECT_EQ(work.attention_ops, 3 * (4 + 5 + 6 + 7 + 8) * kPair);
}

TEST(WorkTest, SequencesShareTheWeightsAndNotTheirKeys) {
  const Work work = WorkOf(TinyModel{})({9, 19, 20}, {0, 1, 1}, 2);
  EXPECT_EQ(work.weight_bytes, kBody + kHead + 3 * kEmbeddingRow);
  EXPECT_EQ(work.kv_bytes, 3 * (10 + 21) * kPosition);
  EXPECT_EQ(work.product_ops, 2 * (3 * 3 * kLayerElements + 2 * kHeadElements));
  EXPECT_EQ(work.attention_ops, 3 * (10 + 20 + 21) * kPair);
}

TEST(WorkTest, AQuantizedCacheIsReadAsItIsHeld) {
  // 34 bytes for 32 numbers, and for each block of 64 positions a float for each number of a key.
  constexpr uint64_t kQuantized = 2 * (2 * 34) + 2 * 32 * 4 / 64;
  EXPECT_EQ(WorkOf(TinyModel{}, backend::KvType::kQ8_0)({9}, {0}, 1).kv_bytes, 3 * 10 * kQuantized);
}

TEST(WorkTest, ALocalLayerSeesItsWindow) {
  TinyModel tiny;  // window 40, every third layer global
  tiny.architecture = "gemma3";
  const WorkOf work(tiny);
  EXPECT_EQ(work({99}, {0}, 1).kv_bytes, (100 + 2 * 40) * kPosition);
  EXPECT_EQ(work({99}, {0}, 1).attention_ops, (100 + 2 * 40) * kPair);
  EXPECT_EQ(work({98, 99}, {0, 0}, 1).kv_bytes, (100 + 2 * 41) * kPosition);
  EXPECT_EQ(work({98, 99}, {0, 0}, 1).attention_ops, (99 + 100 + 4 * 40) * kPair);
  EXPECT_EQ(work({9}, {0}, 1).kv_bytes, 3 * 10 * kPosition);
}

TEST(WorkTest, WhatLiesBetweenIsADifference) {
  const WorkOf work(TinyModel{});
  Work sum = work({9}, {0}, 1);
  const Work before = sum, more = work({3, 4, 5}, {0, 0, 0}, 0);
  sum += more;
  const Work between = sum - before;
  EXPECT_EQ(between.weight_bytes, more.weight_bytes);
  EXPECT_EQ(between.kv_bytes, more.kv_bytes);
  EXPECT_EQ(between.product_ops, more.product_ops);
  EXPECT_EQ(between.attention_ops, more.attention_ops);
}

}  // namespace
}  // namespace handmill::model
