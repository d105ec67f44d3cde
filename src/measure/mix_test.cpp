// Shapes from the catalogue, held against published parameter counts and file sizes, against a
// file's own tensor table, and against known figures that a wrong formula misses.
#include "measure/mix.h"

#include <cmath>
#include <gtest/gtest.h>

#include "backend/cpu/cpu.h"
#include "measure/machines.h"
#include "measure/predict.h"
#include "model/tiny_model.h"

namespace handmill::measure {
namespace {

using backend::KvType;

const Catalogue& built_in() {
  static const Catalogue kCatalogue = *parse_catalogue(built_in_catalogue());
  return kCatalogue;
}
const backend::Backend& cpu() {
  static const auto kBackend = std::move(*backend::make_cpu_backend(1));
  return *kBackend;
}
Shape shape(const CatalogueModel& model, std::string_view mix) {
  auto shape = shape_of(model, *find_mix(mix), cpu());
  if (!shape.ok()) throw std::runtime_error(shape.error().message);
  return *std::move(shape);
}
Shape shape(std::string_view name) {
  const auto found = find_in_catalogue(built_in(), name);
  if (!found.ok()) throw std::runtime_error(found.error().message);
  return shape(*found->model, found->quantization);
}

TEST(MixTest, PublishedParameterCountsComeOut) {
  for (const CatalogueModel& model : built_in().models) {
    const double counted = static_cast<double>(
        shape(model, model.shape.architecture == "gpt-oss" ? "mxfp4" : "f16").parameters);
    EXPECT_NEAR(counted / model.parameters.value, 1, 0.005) << model.name;
  }
}

TEST(MixTest, PublishedFileSizesComeOutAndDeviationsAreReal) {
  int held = 0;
  for (const CatalogueModel& model : built_in().models)
    for (const PublishedFile& file : model.files) {
      const double counted = static_cast<double>(shape(model, file.quantization).file_bytes);
      const double error = std::abs(counted / static_cast<double>(file.bytes) - 1);
      if (file.deviates.empty())
        EXPECT_LE(error, 0.005) << model.name << ' ' << file.quantization;
      else
        EXPECT_GT(error, 0.005) << model.name << " no longer deviates";
      ++held;
    }
  EXPECT_GT(held, 60);
}

TEST(MixTest, IsWhatAFileOfTheSameShapeHas) {
  for (const char* architecture : {"llama", "qwen2", "qwen3", "gemma3"})
    for (const bool tied : {true, false}) {
      model::TinyModel tiny{.architecture = architecture, .tied = tied};
      tiny.types = {tensor::Type::kQ8_0};
      const auto of_file = read_shape(*tiny.open(), cpu());
      ASSERT_TRUE(of_file.ok()) << of_file.error().message;
      CatalogueModel model;
      model.shape = {.architecture = architecture,
                     .layers = tiny.layers,
                     .width = tiny.width,
                     .heads = tiny.heads,
                     .kv_heads = tiny.kv_heads,
                     .head_dim = tiny.head_dim,
                     .ffn_width = tiny.ffn_width,
                     .vocab = tiny.vocab,
                     .context = tiny.context,
                     .tied = tied};
      if (model.shape.architecture == "gemma3") {
        model.shape.window = tiny.window;
        model.shape.window_pattern = tiny.window_pattern;
      }
      const Shape counted = shape(model, "q8_0");
      EXPECT_EQ(counted.parameters, of_file->parameters) << architecture;
      EXPECT_EQ(counted.embedding_row_bytes, of_file->embedding_row_bytes);
      for (const int depth : {0, 39, 99})
        for (const int rows : {1, 7}) {
          const auto got = counted.work(rows, depth, 1, KvType::kQ8_0);
          const auto want = of_file->work(rows, depth, 1, KvType::kQ8_0);
          EXPECT_EQ(got.weight_bytes, want.weight_bytes) << architecture << tied;
          EXPECT_EQ(got.kv_bytes, want.kv_bytes) << architecture << depth;
          EXPECT_EQ(got.product_ops, want.product_ops) << architecture;
          EXPECT_EQ(got.attention_ops, want.attention_ops) << architecture << depth;
        }
      const Machine machine = given_machine("50GB/s,1TFLOPS")->machine;
      EXPECT_NEAR(predict_prefill(counted, machine, KvType::kF16, 300, 0, 128)->seconds /
                      predict_prefill(*of_file, machine, KvType::kF16, 300, 0, 128)->seconds,
                  1, 1e-9)
          << architecture << tied;
    }
}

/// Tokens a second at the roof of a 4060 Ti, 288 GB/s, behind 0 and 8192 tokens: the article's
/// picks, from the bytes that a token reads. Counted independently of this code.
struct Roof {
  const char* name;
  double empty, deep;
};
constexpr Roof kRoofs[] = {{"qwen2.5:3b-instruct-q5_k_m", 130, 114},
                           {"deepseek-r1:7b-qwen-distill-q4_k_m", 66, 60},
                           {"deepseek-r1:8b-llama-distill-q4_k_m", 62, 51},
                           {"deepseek-r1:14b-qwen-distill-q4_k_m", 34, 28},
                           {"qwen2.5-coder:7b-instruct-q5_k_m", 57, 52},
                           {"qwen2.5-coder:14b-instruct-q5_k_m", 29, 25}};
double roof(const Shape& shape, int depth) {
  return 288e9 / static_cast<double>(shape.work(1, depth, 1, KvType::kF16).bytes());
}
/// Both figures of all picks within what their rounding leaves.
bool holds(const std::function<void(Shape&)>& change) {
  bool all = true;
  for (const Roof& known : kRoofs) {
    Shape changed = shape(known.name);
    change(changed);
    all = all && std::abs(roof(changed, 0) / known.empty - 1) < 0.02 &&
          std::abs(roof(changed, 8192) / known.deep - 1) < 0.025;
  }
  return all;
}

TEST(MixTest, KnownRoofsHoldAndWrongFormulasMissThem) {
  EXPECT_TRUE(holds([](Shape&) {}));
  EXPECT_FALSE(holds([](Shape& s) {  // keys and values for every head: no grouped queries
    s.kv_block_bytes_f16 *= static_cast<uint64_t>(s.config.heads / s.config.kv_heads);
  }));
  EXPECT_FALSE(holds([](Shape& s) {  // the head, tied or not, is not read
    std::erase_if(s.parts, [](const ShapePart& part) { return part.kind == PartKind::kHead; });
  }));
  EXPECT_FALSE(holds([](Shape& s) { s.kv_block_bytes_f16 = 0; }));  // the cache forgotten
  EXPECT_FALSE(holds([](Shape& s) {                                 // the embedding counted whole
    s.embedding_row_bytes *= static_cast<uint64_t>(s.config.vocab);
  }));
}

TEST(MixTest, ATiedHeadIsTheOnlyEmbedding) {
  Shape tied = shape("qwen2.5:3b-instruct-q5_k_m");
  EXPECT_NEAR(roof(tied, 0), 130, 1.5);
  std::erase_if(tied.parts, [](const ShapePart& part) { return part.kind == PartKind::kHead; });
  EXPECT_GT(roof(tied, 0), 140);
}

TEST(MixTest, CacheBytesOfAToken) {  // KiB in f16
  for (const auto& [name, kib] : {std::pair{"qwen2.5:3b", 36},
                                  {"deepseek-r1:7b", 56},
                                  {"deepseek-r1:14b", 192},
                                  {"llama3.1:8b", 128},
                                  {"qwen3:0.6b", 112},
                                  {"qwen3:4b", 144},
                                  {"qwen3:32b", 256},
                                  {"qwen3:30b-a3b", 96},
                                  {"glm4:9b-0414", 40}})
    EXPECT_EQ(shape(name).kv_block_bytes_f16 / backend::kKvBlock, static_cast<uint64_t>(kib) << 10)
        << name;
}

TEST(MixTest, OneTokenOfAMixtureReadsItsExperts) {
  const Shape moe = shape("qwen3:30b-a3b");
  const double read = static_cast<double>(moe.work(1, 0, 1, KvType::kF16).weight_bytes);
  EXPECT_GT(read, 1.8e9);
  EXPECT_LT(read, 2.1e9);
  EXPECT_NEAR(static_cast<double>(moe.file_bytes), 18.6e9, 0.1e9);
  EXPECT_FALSE(handmill_runs(find_in_catalogue(built_in(), "qwen3:30b-a3b")->model->shape));
}

TEST(MixTest, AWindowBoundsWhatIsRead) {
  const Shape shape_ = shape("gemma3:4b");
  const uint64_t token = shape_.kv_block_bytes_f16 / backend::kKvBlock;
  const uint64_t read = shape_.work(1, 8191, 1, KvType::kF16).kv_bytes;
  EXPECT_EQ(read, token / 34 * (29 * 1024 + 5 * 8192));
}

TEST(MixTest, WhatIsNotKnownIsRefused) {
  CatalogueModel model = *find_in_catalogue(built_in(), "qwen3:8b")->model;
  EXPECT_FALSE(shape_of(model, *find_mix("mxfp4"), cpu()).ok());
  model.shape.architecture = "rwkv9";
  const auto unknown = shape_of(model, *find_mix("q4_k_m"), cpu());
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message.find("rwkv9"), std::string::npos);
}

}  // namespace
}  // namespace handmill::measure
