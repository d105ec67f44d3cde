// What a step costs, counted rather than timed.
#include <gtest/gtest.h>
#include <numeric>

#include "backend/cpu/cpu_backend.h"
#include "model/model.h"
#include "model/tiny_model.h"

namespace handmill::model {
namespace {

/// Barriers of a step that takes `each` tokens of `sequences` sequences, and what lies outside the
/// layers.
uint64_t barriers_of(int layers, int sequences, int each) {
  TinyModel tiny;
  tiny.layers = layers;
  tiny.width = 1024;  // so that rows are worth sharing in batches, as in real models
  const auto file = tiny.open();
  backend::CpuBackend backend(backend::scalar_kernels(), 2);
  auto model = Model::load(*file, backend, 256, 256);
  EXPECT_TRUE(model.ok()) << model.error().message;
  auto store = backend.kv_store((*model)->kv_shape(backend::KvType::kF16), 64);
  EXPECT_TRUE(store.ok());
  std::vector<int32_t> tokens, positions, owners, outputs;
  std::vector<std::vector<int32_t>> blocks;
  std::vector<std::span<const int32_t>> tables;
  for (int s = 0; s < sequences; ++s) {
    for (int i = 0; i < each; ++i) {
      tokens.push_back(i % 250);
      positions.push_back(i);
      owners.push_back(s);
    }
    blocks.push_back({2 * s, 2 * s + 1});
    outputs.push_back(static_cast<int32_t>(tokens.size()) - 1);
  }
  for (const auto& own : blocks) tables.emplace_back(own);
  const uint64_t before = backend.barriers();
  (*model)->forward(tokens, {positions, owners, tables}, **store, outputs);
  return backend.barriers() - before;
}

TEST(Cost, ALayerOfADecodeStepHasFewBarriers) {
  for (const int sequences : {1, 8}) {
    const uint64_t one = barriers_of(1, sequences, 1), five = barriers_of(5, sequences, 1);
    EXPECT_EQ((five - one) % 4, 0u);
    EXPECT_EQ((five - one) / 4, 5u)
        << sequences;         // q k v, attention, its output, gate and up, down
    EXPECT_LE(one, 5u + 1u);  // and the head
  }
}

TEST(Cost, ALayerOfAPrefillHasThreeMore) {
  EXPECT_EQ((barriers_of(5, 1, 256) - barriers_of(1, 1, 256)) / 4, 8u);  // two norms, rotation
}

}  // namespace
}  // namespace handmill::model
