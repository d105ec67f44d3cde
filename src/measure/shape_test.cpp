// Against numbers counted by hand (3 layers, width 64, 4 heads of 32 over 2, feed-forward 96,
// vocabulary 300, Q8_0), and against what the loaded model counts.
#include "measure/shape.h"

#include <gtest/gtest.h>

#include "backend/cpu/cpu.h"
#include "model/tiny_model.h"

namespace handmill::measure {
namespace {

using backend::KvType;
using model::TinyModel;

constexpr uint64_t kLayerElements = 2 * 8192 + 2 * 4096 + 3 * 6144;
constexpr uint64_t kHeadElements = 300 * 64;
constexpr uint64_t kBody = 3 * (kLayerElements / 32 * 34 + 2 * 64 * 4);
constexpr uint64_t kHead = kHeadElements / 32 * 34 + 64 * 4;
constexpr uint64_t kEmbeddingRow = 2 * 34;

std::unique_ptr<backend::Backend> cpu() { return std::move(*backend::make_cpu_backend(1)); }

Shape shape_of(TinyModel tiny) {
  tiny.types = {tensor::Type::kQ8_0};
  auto shape = read_shape(*tiny.open(), *cpu());
  if (!shape.ok()) throw std::runtime_error(shape.error().message);
  return *std::move(shape);
}

TEST(ShapeTest, ATiedHeadIsReadAndTheEmbeddingCountsOneRow) {
  EXPECT_EQ(shape_of({}).work(1, 9, 1, KvType::kF16).weight_bytes, kBody + kHead + kEmbeddingRow);
  EXPECT_EQ(shape_of({.tied = false}).work(1, 9, 1, KvType::kF16).weight_bytes,
            kBody + kHead + kEmbeddingRow);
  EXPECT_EQ(shape_of({}).work(5, 9, 0, KvType::kF16).weight_bytes, kBody + 5 * kEmbeddingRow);
}

TEST(ShapeTest, TheCacheIsReadForItsFewHeads) {
  EXPECT_EQ(shape_of({}).work(1, 9, 1, KvType::kF16).kv_bytes, 3u * 10 * (2 * 2 * 32 * 2));
}

TEST(ShapeTest, AttentionIsComputedForAllHeads) {
  EXPECT_EQ(shape_of({}).work(1, 9, 1, KvType::kF16).attention_ops, 3u * 10 * (4 * 4 * 32));
}

TEST(ShapeTest, IsWhatTheLoadedModelCounts) {
  for (const char* architecture : {"llama", "qwen2", "qwen3", "gemma3"})
    for (const bool tied : {true, false})
      for (const KvType kv : {KvType::kF16, KvType::kQ8_0}) {
        TinyModel tiny{.architecture = architecture, .tied = tied};  // of five formats
        const auto file = tiny.open();
        const auto backend = cpu();
        const auto shape = read_shape(*file, *backend);
        ASSERT_TRUE(shape.ok()) << shape.error().message;
        const auto model = model::Model::load(*file, *backend, 64, 16);
        const auto store = backend->kv_store((*model)->kv_shape(kv), 4);
        for (const int depth : {0, 9, 38, 39, 40, 99})
          for (const int rows : {1, 7}) {
            std::vector<int32_t> positions, sequences(static_cast<size_t>(rows), 0);
            for (int row = 0; row < rows; ++row) positions.push_back(depth + row);
            const auto want = (*model)->work({positions, sequences, {}}, 1, **store);
            const auto got = shape->work(rows, depth, 1, kv);
            EXPECT_EQ(got.weight_bytes, want.weight_bytes) << architecture << tied;
            EXPECT_EQ(got.kv_bytes, want.kv_bytes) << architecture << depth << ' ' << rows;
            EXPECT_EQ(got.product_ops, want.product_ops) << architecture << tied;
            EXPECT_EQ(got.attention_ops, want.attention_ops) << architecture << depth;
          }
      }
}

TEST(ShapeTest, WhatCannotRunIsRefusedByName) {
  TinyModel tiny;
  tiny.more = {{"blk.0.ffn_gate_exps.weight", std::vector<float>(64)}};
  const auto shape = read_shape(*tiny.open(), *cpu());
  ASSERT_FALSE(shape.ok());
  EXPECT_NE(shape.error().message.find("ffn_gate_exps"), std::string::npos);
}

}  // namespace
}  // namespace handmill::measure
