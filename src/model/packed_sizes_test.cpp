// The sizes by place add up to what a loaded model holds.
#include "model/packed_sizes.h"

#include <gtest/gtest.h>

#include "backend/cpu/cpu.h"
#include "model/tiny_model.h"

namespace handmill::model {
namespace {

TEST(PackedSizes, EveryMatrixIsInOnePlace) {
  const auto backend = std::move(*backend::make_cpu_backend(1));
  for (const bool tied : {true, false}) {
    TinyModel tiny{.architecture = "qwen2", .tied = tied};
    tiny.types = {tensor::Type::kQ8_0};
    const auto file = tiny.open();
    const auto config = read_config(*file);
    ASSERT_TRUE(config.ok()) << config.error().message;
    const auto sizes = packed_sizes(*file, *config, *backend);
    ASSERT_TRUE(sizes.ok()) << sizes.error().message;
    const auto matrix = [&](size_t rows, size_t cols) {
      return backend->packed_bytes(*tensor::find_format(tensor::Type::kQ8_0), rows, cols);
    };
    ASSERT_EQ(sizes->layers.size(), 3u);
    for (const LayerBytes& layer : sizes->layers) {
      EXPECT_EQ(layer.ffn, 2 * matrix(96, 64) + matrix(64, 96));
      // Two norms of 64, and the biases of 128 queries, 64 keys and 64 values.
      EXPECT_EQ(layer.whole, matrix(128, 64) + 2 * matrix(64, 64) + matrix(64, 128) +
                                 (2 * 64 + 128 + 64 + 64) * sizeof(float));
    }
    EXPECT_EQ(sizes->head, matrix(300, 64) + 64 * sizeof(float)) << (tied ? "tied" : "of its own");
    EXPECT_EQ(sizes->elements, 3u * (64 * (128 + 64 + 64 + 128) + 3 * 96 * 64));
    EXPECT_EQ(sizes->total(), sizes->head + 3 * (sizes->layers[0].whole + sizes->layers[0].ffn));
  }
}

TEST(PackedSizes, AModelThatDoesNotRunIsAnError) {
  const auto backend = std::move(*backend::make_cpu_backend(1));
  TinyModel tiny;
  tiny.without = {"blk.1.ffn_up.weight"};
  const auto file = tiny.open();
  const auto sizes = packed_sizes(*file, *read_config(*file), *backend);
  ASSERT_FALSE(sizes.ok());
  EXPECT_NE(sizes.error().message.find("blk.1.ffn_up"), std::string::npos) << sizes.error().message;
}

}  // namespace
}  // namespace handmill::model
