#include "model/rope.h"

#include <cmath>
#include <gtest/gtest.h>

#include "model/tiny_model.h"

namespace handmill::model {
namespace {

Result<Config> with(std::function<void(gguf::Writer&)> change) {
  TinyModel tiny;
  tiny.change = std::move(change);
  return read_config(*tiny.open());
}

TEST(Rope, LinearDividesEveryFrequency) {
  for (const char* key : {"llama.rope.scaling.factor", "llama.rope.scale_linear"}) {
    const auto config = with([key](gguf::Writer& writer) { writer.set(key, 4.0f); });
    ASSERT_TRUE(config.ok()) << config.error().message;
    for (size_t i = 0; i < 16; ++i)
      EXPECT_DOUBLE_EQ(config->rope_frequency[i],
                       std::pow(10000.0, -static_cast<double>(i) / 16) / 4);
  }
}

TEST(Rope, NoneIgnoresTheFactor) {
  const auto config = with([](gguf::Writer& writer) {
    writer.set_string("llama.rope.scaling.type", "none");
    writer.set("llama.rope.scaling.factor", 4.0f);
  });
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->rope_frequency[0], 1.0);
}

// transformers' _compute_yarn_parameters for dim 32, base 10000, factor 4, original context 4096
// (beta_fast 32, beta_slow 1): inv_freq and attention_factor.
TEST(Rope, YarnIsTheReferences) {
  const auto config = with([](gguf::Writer& writer) {
    writer.set_string("llama.rope.scaling.type", "yarn");
    writer.set("llama.rope.scaling.factor", 4.0f);
    writer.set("llama.rope.scaling.original_context_length", 4096u);
  });
  ASSERT_TRUE(config.ok()) << config.error().message;
  const double expected[16] = {1.0,
                               0.5623413251903491,
                               0.31622776601683794,
                               0.17782794100389226,
                               0.1,
                               0.056234132519034905,
                               0.028234621965789103,
                               0.013972195364591537,
                               0.0067857142857142855,
                               0.003213379001087709,
                               0.001468200342221033,
                               0.0006350997892996153,
                               0.00025,
                               0.00014058533129758727,
                               7.905694150420948e-05,
                               4.445698525097307e-05};
  for (size_t i = 0; i < 16; ++i)
    EXPECT_NEAR(config->rope_frequency[i], expected[i], 1e-7 * expected[i]) << i;
  const double factor = 1.1386294361119891;  // 0.1 ln 4 + 1, on q and on k
  EXPECT_NEAR(config->attention_scale, factor * factor / std::sqrt(32.0), 1e-7);
}

TEST(Rope, YarnVariantsThatAreNotThereAreRefused) {
  for (const char* key :
       {"llama.rope.scaling.yarn_ext_factor", "llama.rope.scaling.yarn_attn_factor",
        "llama.rope.scaling.yarn_log_multiplier"}) {
    const auto config = with([key](gguf::Writer& writer) {
      writer.set_string("llama.rope.scaling.type", "yarn");
      writer.set("llama.rope.scaling.factor", 4.0f);
      writer.set(key, 0.5f);
    });
    ASSERT_FALSE(config.ok());
    EXPECT_EQ(config.error().code, Code::kUnsupported);
    EXPECT_NE(config.error().message.find(key), std::string::npos) << config.error().message;
  }
  const auto partial = with([](gguf::Writer& writer) {
    writer.set_string("llama.rope.scaling.type", "yarn");
    writer.set("llama.rope.dimension_count", 16u);
  });
  ASSERT_FALSE(partial.ok());
  EXPECT_EQ(partial.error().code, Code::kUnsupported);
}

TEST(Rope, FactorsOfTheFileDivide) {
  TinyModel tiny;
  std::vector<float> factors(16);
  for (size_t i = 0; i < 16; ++i) factors[i] = 1.0f + static_cast<float>(i);
  tiny.more = {{"rope_freqs.weight", factors}};
  const auto config = read_config(*tiny.open());
  ASSERT_TRUE(config.ok()) << config.error().message;
  for (size_t i = 0; i < 16; ++i)
    EXPECT_DOUBLE_EQ(config->rope_frequency[i], std::pow(10000.0, -static_cast<double>(i) / 16) /
                                                    (1.0 + static_cast<double>(i)));
  for (float bad : {0.0f, -1.0f, NAN, INFINITY}) {
    tiny.more[0].second[3] = bad;
    const auto broken = read_config(*tiny.open());
    ASSERT_FALSE(broken.ok()) << bad;
    EXPECT_NE(broken.error().message.find("rope_freqs.weight[3]"), std::string::npos);
  }
  tiny.more[0].second.resize(15);
  EXPECT_FALSE(read_config(*tiny.open()).ok());
}

}  // namespace
}  // namespace handmill::model
