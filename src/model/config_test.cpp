// Every hyper-parameter and tensor that can be wrong in a file, and what the error must say.
#include <cmath>
#include <gtest/gtest.h>

#include "backend/cpu/cpu.h"
#include "model/model.h"
#include "model/tiny_model.h"

namespace handmill::model {
namespace {

TEST(Config, ReadsLlama) {
  auto file = TinyModel{.heads = 8, .kv_heads = 2, .head_dim = 16}.open();
  const auto config = read_config(*file);
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->architecture, "llama");
  EXPECT_EQ(config->layers, 3);
  EXPECT_EQ(config->width, 64);
  EXPECT_EQ(config->heads, 8);
  EXPECT_EQ(config->kv_heads, 2);
  EXPECT_EQ(config->head_dim, 16);
  EXPECT_EQ(config->ffn_width, 96);
  EXPECT_EQ(config->vocab, 300);
  EXPECT_EQ(config->context, 4096);
  EXPECT_EQ(config->eps, 1e-5f);
  EXPECT_EQ(config->embed_scale, 1);
  EXPECT_EQ(config->attention_scale, 0.25f);
  EXPECT_EQ(config->activation, backend::Activation::kSilu);
  EXPECT_TRUE(config->rope_neighbours);
  EXPECT_EQ(config->rope_dims, 16);
  EXPECT_FALSE(config->is_local(0));
  ASSERT_EQ(config->rope_frequency.size(), 8u);
  for (int i = 0; i < 8; ++i)
    EXPECT_DOUBLE_EQ(config->rope_frequency[i], std::pow(10000.0, -i / 8.0));
}

TEST(Config, DefaultsAreTheFileFormats) {
  auto file = TinyModel{.heads = 4,
                        .kv_heads = 4,
                        .head_dim = 16,
                        .without = {"llama.attention.head_count_kv", "llama.attention.key_length",
                                    "llama.attention.value_length", "llama.rope.freq_base"}}
                  .open();
  const auto config = read_config(*file);
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->kv_heads, 4);
  EXPECT_EQ(config->head_dim, 16);
  EXPECT_EQ(config->rope_frequency[1], std::pow(10000.0, -1 / 8.0));
}

TEST(Config, OtherArchitecturesRotateHalves) {
  for (const char* name : {"qwen2", "qwen3", "gemma3"}) {
    const auto config = read_config(*TinyModel{.architecture = name}.open());
    ASSERT_TRUE(config.ok()) << config.error().message;
    EXPECT_FALSE(config->rope_neighbours) << name;
  }
}

TEST(Config, Gemma3HasLocalLayersAndItsScales) {
  const auto config = read_config(*TinyModel{.architecture = "gemma3", .layers = 6}.open());
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->embed_scale, 8);
  EXPECT_EQ(config->activation, backend::Activation::kGeluTanh);
  EXPECT_EQ(config->window, 40);
  for (int layer = 0; layer < 6; ++layer) EXPECT_EQ(config->is_local(layer), layer % 3 != 2);
  EXPECT_EQ(config->rope_frequency[1], std::pow(1e6, -1 / 16.0));
  EXPECT_EQ(config->rope_frequency_local[1], std::pow(10000.0, -1 / 16.0));
}

TEST(Config, Gemma3LinearScalingIsForGlobalLayersOnly) {
  TinyModel tiny{.architecture = "gemma3", .change = [](gguf::Writer& writer) {
                   writer.set_string("gemma3.rope.scaling.type", "linear");
                   writer.set("gemma3.rope.scaling.factor", 8.0f);
                   writer.set("gemma3.rope.freq_base_swa", 500.0f);
                 }};
  const auto config = read_config(*tiny.open());
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->rope_frequency[0], 1.0 / 8);
  EXPECT_EQ(config->rope_frequency_local[0], 1.0);
  EXPECT_EQ(config->rope_frequency_local[1], std::pow(500.0, -1 / 16.0));
}

TEST(Config, Gemma3Of27BScalesByWidth) {
  TinyModel tiny{.architecture = "gemma3", .layers = 62, .heads = 2};
  const auto config = read_config(*tiny.open());
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_FLOAT_EQ(config->attention_scale, 1 / std::sqrt(32.0f)) << "width 64 over 2 heads";
  tiny.heads = 4;
  EXPECT_FLOAT_EQ(read_config(*tiny.open())->attention_scale, 1 / std::sqrt(16.0f));
}

TEST(Config, AListWithOneValueForAllLayersIsThatValue) {
  auto with = [](std::vector<int32_t> values) {
    TinyModel tiny;
    tiny.change = [values](gguf::Writer& writer) {
      writer.set_array<int32_t>("llama.feed_forward_length", values);
    };
    return read_config(*tiny.open());
  };
  EXPECT_EQ(with({96, 96, 96})->ffn_width, 96);
  EXPECT_EQ(with({96, 96, 128}).error().code, Code::kUnsupported);
  EXPECT_EQ(with({}).error().code, Code::kInvalid);
  EXPECT_EQ(with({-96}).error().code, Code::kInvalid);
}

// What is wrong, and what the error must say.
struct Wrong {
  const char* name;
  std::function<void(TinyModel&)> damage;
  Code code;
  const char* message;
};

std::function<void(TinyModel&)> with(std::string key, auto value) {
  return [key, value](TinyModel& tiny) {
    tiny.change = [key, value](gguf::Writer& writer) {
      if constexpr (std::is_convertible_v<decltype(value), std::string_view>)
        writer.set_string(key, value);
      else
        writer.set(key, value);
    };
  };
}
std::function<void(TinyModel&)> lacking(std::string name) {
  return [name](TinyModel& tiny) { tiny.without = {name}; };
}

const Wrong kWrong[] = {
    {"no_architecture", lacking("general.architecture"), Code::kNotFound, "general.architecture"},
    {"unknown_architecture", with("general.architecture", "mamba"), Code::kUnsupported,
     "\"mamba\" is not supported; handmill has llama, qwen2, qwen3, gemma3"},
    {"no_layers", lacking("llama.block_count"), Code::kNotFound, "llama.block_count"},
    {"zero_layers", with("llama.block_count", 0u), Code::kInvalid, "llama.block_count is 0"},
    {"many_layers", with("llama.block_count", 4000000000u), Code::kInvalid, "is 4000000000"},
    {"layers_as_text", with("llama.block_count", "30"), Code::kInvalid, "string"},
    {"negative_layers", with("llama.block_count", -1), Code::kInvalid, "llama.block_count"},
    {"no_width", lacking("llama.embedding_length"), Code::kNotFound, "llama.embedding_length"},
    {"huge_width", with("llama.embedding_length", uint64_t{1} << 63), Code::kInvalid,
     "llama.embedding_length is 9223372036854775808; it must be 1 to 262144"},
    {"no_heads", lacking("llama.attention.head_count"), Code::kNotFound, "head_count"},
    {"zero_heads", with("llama.attention.head_count", 0u), Code::kInvalid, "head_count is 0"},
    {"kv_heads_do_not_divide", with("llama.attention.head_count_kv", 3u), Code::kInvalid,
     "head_count_kv is 3, which does not divide the 4 heads"},
    {"more_kv_heads", with("llama.attention.head_count_kv", 8u), Code::kInvalid, "divide"},
    {"odd_head", with("llama.attention.key_length", 33u), Code::kInvalid, "33"},
    {"huge_head", with("llama.attention.key_length", 100000u), Code::kInvalid, "key_length"},
    {"other_values", with("llama.attention.value_length", 16u), Code::kUnsupported,
     "value_length is 16"},
    {"no_ffn", lacking("llama.feed_forward_length"), Code::kNotFound, "feed_forward_length"},
    {"no_context", lacking("llama.context_length"), Code::kNotFound, "context_length"},
    {"zero_context", with("llama.context_length", 0u), Code::kInvalid, "context_length is 0"},
    {"no_eps", lacking("llama.attention.layer_norm_rms_epsilon"), Code::kNotFound, "epsilon"},
    {"nan_eps", with("llama.attention.layer_norm_rms_epsilon", NAN), Code::kInvalid, "epsilon"},
    {"negative_eps", with("llama.attention.layer_norm_rms_epsilon", -1e-5f), Code::kInvalid,
     "epsilon"},
    {"zero_base", with("llama.rope.freq_base", 0.0f), Code::kInvalid, "freq_base is 0"},
    {"infinite_base", with("llama.rope.freq_base", INFINITY), Code::kInvalid, "freq_base is inf"},
    {"rope_beyond_head", with("llama.rope.dimension_count", 64u), Code::kInvalid,
     "dimension_count is 64"},
    {"odd_rope", with("llama.rope.dimension_count", 15u), Code::kInvalid, "must be even"},
    {"longrope", with("llama.rope.scaling.type", "longrope"), Code::kUnsupported,
     "\"longrope\"; handmill supports none, linear and yarn"},
    {"zero_factor", with("llama.rope.scaling.factor", 0.0f), Code::kInvalid, "factor is 0"},
    {"experts", with("llama.expert_count", 8u), Code::kUnsupported, "llama.expert_count is 8"},
    {"vocabulary", with("llama.vocab_size", 301u), Code::kInvalid, "vocab_size is 301"},
    {"no_embedding", lacking("token_embd.weight"), Code::kInvalid, "token_embd.weight"},
};

class WrongConfig : public testing::TestWithParam<Wrong> {};

TEST_P(WrongConfig, IsAnErrorThatNamesIt) {
  TinyModel tiny;
  GetParam().damage(tiny);
  auto file = tiny.open();
  const auto config = read_config(*file);
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.error().code, GetParam().code) << config.error().message;
  EXPECT_NE(config.error().message.find(GetParam().message), std::string::npos)
      << config.error().message;
  EXPECT_NE(config.error().message.find(file->path()), std::string::npos)
      << "names the file: " << config.error().message;
}

INSTANTIATE_TEST_SUITE_P(Each, WrongConfig, testing::ValuesIn(kWrong),
                         [](const auto& test) { return test.param.name; });

const Wrong kWrongTensors[] = {
    {"missing", lacking("blk.1.attn_k.weight"), Code::kInvalid, "no tensor blk.1.attn_k.weight"},
    {"missing_norm", lacking("blk.2.ffn_norm.weight"), Code::kInvalid, "blk.2.ffn_norm.weight"},
    {"missing_output_norm", lacking("output_norm.weight"), Code::kInvalid, "output_norm.weight"},
    {"shape", with("llama.feed_forward_length", 128u), Code::kInvalid,
     "blk.0.ffn_gate.weight is [64, 96]; expected [64, 128]"},
    {"width", with("llama.embedding_length", 32u), Code::kInvalid,
     "token_embd.weight is [64, 300]; expected [32, 300]"},
    {"more_layers", with("llama.block_count", 4u), Code::kInvalid, "no tensor blk.3."},
    {"fewer_layers", with("llama.block_count", 2u), Code::kUnsupported, "\"blk.2."},
    {"bias_length", [](TinyModel& tiny) { tiny.more = {{"blk.0.attn_q.bias", {1, 2, 3}}}; },
     Code::kInvalid, "blk.0.attn_q.bias is [3]; expected [128, 1]"},
    {"unknown", [](TinyModel& tiny) { tiny.more = {{"blk.0.ffn_gate_inp.weight", {1, 2}}}; },
     Code::kUnsupported,
     "tensor \"blk.0.ffn_gate_inp.weight\" is not part of handmill's architecture llama"},
    {"gate_bias",
     [](TinyModel& tiny) { tiny.more = {{"blk.0.ffn_gate.bias", std::vector<float>(96)}}; },
     Code::kUnsupported, "blk.0.ffn_gate.bias"},
    {"qwen2_without_bias",
     [](TinyModel& tiny) {
       tiny.architecture = "qwen2";
       tiny.without = {"blk.1.attn_v.bias"};
     },
     Code::kInvalid, "no tensor blk.1.attn_v.bias"},
    {"qwen3_without_norm",
     [](TinyModel& tiny) {
       tiny.architecture = "qwen3";
       tiny.without = {"blk.0.attn_q_norm.weight"};
     },
     Code::kInvalid, "no tensor blk.0.attn_q_norm.weight"},
    {"gemma3_without_post_norm",
     [](TinyModel& tiny) {
       tiny.architecture = "gemma3";
       tiny.without = {"blk.2.post_ffw_norm.weight"};
     },
     Code::kInvalid, "no tensor blk.2.post_ffw_norm.weight"},
};

class WrongTensors : public testing::TestWithParam<Wrong> {};

TEST_P(WrongTensors, AreAnErrorThatNamesThem) {
  TinyModel tiny;
  GetParam().damage(tiny);
  auto file = tiny.open();
  auto backend = backend::make_cpu_backend(1);
  ASSERT_TRUE(backend.ok()) << backend.error().message;
  const auto model = Model::load(*file, **backend, 8, 8);
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, GetParam().code) << model.error().message;
  EXPECT_NE(model.error().message.find(GetParam().message), std::string::npos)
      << model.error().message;
  EXPECT_NE(model.error().message.find(file->path()), std::string::npos) << model.error().message;
}

INSTANTIATE_TEST_SUITE_P(Each, WrongTensors, testing::ValuesIn(kWrongTensors),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace handmill::model
