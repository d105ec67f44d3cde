// The lists of models, byte for byte.
#include <gtest/gtest.h>

#include "api/ollama.h"
#include "gguf/writer.h"

namespace handmill::api::ollama {
namespace {

Model small_model() {
  Model model;
  model.name = "smollm2";
  model.digest = "f535f83ec568";
  model.modified_s = 1691139139;
  model.bytes = 90000000;
  model.family = "llama";
  model.quantization = "Q4_1";
  model.parameters = 134515008;
  model.context = 8192;
  model.width = 576;
  model.capabilities = {"completion", "tools"};
  return model;
}

constexpr std::string_view kDetails =
    R"("details":{"parent_model":"","format":"gguf","family":"llama","families":["llama"],)"
    R"("parameter_size":"134.52M","quantization_level":"Q4_1","context_length":8192,)"
    R"("embedding_length":576})";

TEST(OllamaModels, Tags) {
  EXPECT_EQ(tags_reply({}), R"({"models":[]})");
  const Model models[] = {small_model()};
  EXPECT_EQ(tags_reply(models), R"({"models":[{"name":"smollm2","model":"smollm2",)"
                                R"("modified_at":"2023-08-04T08:52:19.000000000Z","size":90000000,)"
                                R"("digest":"f535f83ec568",)" +
                                    std::string(kDetails) +
                                    R"(,"capabilities":["completion","tools"]}]})");
}

TEST(OllamaModels, Ps) {
  Running running;
  running.model = small_model();
  running.memory_bytes = 123;
  running.expires_ns = 1691139139385406455;
  Running for_ever = running;
  for_ever.expires_ns = kNever;
  const auto entry = [](std::string_view expires) {
    return R"({"name":"smollm2","model":"smollm2","size":123,"digest":"f535f83ec568",)" +
           std::string(kDetails) + R"(,"expires_at":")" + std::string(expires) +
           R"(","size_vram":0,"context_length":8192})";
  };
  const Running models[] = {running, for_ever};
  EXPECT_EQ(ps_reply(models), "{\"models\":[" + entry("2023-08-04T08:52:19.385406455Z") + "," +
                                  entry("2262-04-11T23:47:16.854775807Z") + "]}");
}

TEST(OllamaModels, CountsAsPeopleSayThem) {
  const auto size = [](uint64_t parameters) {
    Model model;
    model.parameters = parameters;
    const std::string text = tags_reply({&model, 1});
    const size_t at = text.find("parameter_size\":\"") + 17;
    return text.substr(at, text.find('"', at) - at);
  };
  EXPECT_EQ(size(999), "999");
  EXPECT_EQ(size(12345), "12K");
  EXPECT_EQ(size(494032768), "494.03M");
  EXPECT_EQ(size(8000000000), "8B");
  EXPECT_EQ(size(7241732096), "7.2B");
}

TEST(OllamaModels, TimesThatNoCalendarHas) {
  Model model;
  model.modified_s = std::numeric_limits<int64_t>::max();
  EXPECT_NE(tags_reply({&model, 1}).find("2262-04-11"), std::string::npos);
}

TEST(OllamaModels, Show) {
  gguf::Writer writer;
  writer.set_string("general.architecture", "llama");
  writer.set_string("general.license", "apache \"2\"");
  writer.set<uint32_t>("llama.context_length", 8192);
  writer.set<float>("llama.rope.freq_base", 0.5f);
  writer.set<float>("llama.none", std::numeric_limits<float>::quiet_NaN());
  writer.set<bool>("llama.flag", true);
  const uint32_t heads[] = {9, 3};
  writer.set_array<uint32_t>("llama.heads", heads);
  const std::string_view tokens[] = {"a", "\xff"};
  writer.set_strings("tokenizer.ggml.tokens", tokens);
  writer.set_string("tokenizer.chat_template", "{{ x }}");
  const std::vector<uint8_t> data(12 * sizeof(float));
  const uint64_t shape[] = {4, 3};
  ASSERT_TRUE(writer.add_tensor("blk.0.w", tensor::Type::kF32, shape, data).ok());
  const auto bytes = writer.bytes();
  const auto file = gguf::File::parse(bytes, "x.gguf");
  ASSERT_TRUE(file.ok()) << file.error().message;
  const auto expected = [](std::string_view list, std::string_view tensors) {
    return R"({"license":"apache \"2\"","modelfile":"FROM smollm2\n","template":"{{ x }}",)" +
           std::string(kDetails) +
           R"(,"model_info":{"general.architecture":"llama","general.license":"apache \"2\"",)"
           R"("llama.context_length":8192,"llama.rope.freq_base":0.5,"llama.none":null,)"
           R"("llama.flag":true,"llama.heads":[9,3],"tokenizer.ggml.tokens":)" +
           std::string(list) +
           R"(,"tokenizer.chat_template":"{{ x }}","general.parameter_count":134515008})" +
           std::string(tensors) +
           R"(,"capabilities":["completion","tools"],)"
           R"("modified_at":"2023-08-04T08:52:19.000000000Z"})";
  };
  EXPECT_EQ(show_reply(small_model(), *file, false), expected("null", ""));
  EXPECT_EQ(show_reply(small_model(), *file, true),
            expected("[\"a\",\"\uFFFD\"]",
                     R"(,"tensors":[{"name":"blk.0.w","type":"F32","shape":[4,3]}])"));
}

TEST(OllamaModels, Version) { EXPECT_EQ(version_reply("0.1"), R"({"version":"0.1"})"); }

}  // namespace
}  // namespace handmill::api::ollama
