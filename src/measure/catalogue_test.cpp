#include "measure/catalogue.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace handmill::measure {
namespace {

const Catalogue& built_in() {
  static const Catalogue kCatalogue = [] {
    auto parsed = parse_catalogue(built_in_catalogue());
    if (!parsed.ok()) throw std::runtime_error(parsed.error().message);
    return *std::move(parsed);
  }();
  return kCatalogue;
}

TEST(CatalogueTest, HasEveryPickOfTheArticle) {
  for (const auto& [name, model, quantization] :
       {std::array{"qwen2.5:3b-instruct-q5_K_M", "qwen2.5:3b-instruct", "q5_k_m"},
        std::array{"deepseek-r1:1.5b-qwen-distill-q8_0", "deepseek-r1:1.5b-qwen-distill", "q8_0"},
        std::array{"deepseek-r1:7b", "deepseek-r1:7b-qwen-distill", "q4_k_m"},
        std::array{"deepseek-r1:7b-qwen-distill-q4_K_M", "deepseek-r1:7b-qwen-distill", "q4_k_m"},
        std::array{"deepseek-r1:8b", "deepseek-r1:8b-llama-distill", "q4_k_m"},
        std::array{"deepseek-r1:14b", "deepseek-r1:14b-qwen-distill", "q4_k_m"},
        std::array{"qwen2.5-coder:14b-instruct-q5_K_M", "qwen2.5-coder:14b-instruct", "q5_k_m"},
        std::array{"qwen2.5:3b-instruct-fp16", "qwen2.5:3b-instruct", "f16"},
        std::array{"qwen2.5-coder:7b-instruct-q5_K_M", "qwen2.5-coder:7b-instruct", "q5_k_m"},
        std::array{"deepseek-r1:32b", "deepseek-r1:32b-qwen-distill", "q4_k_m"}}) {
    const auto found = find_in_catalogue(built_in(), name);
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_EQ(found->model->name, model);
    EXPECT_EQ(found->quantization, quantization);
  }
}

TEST(CatalogueTest, AnUnknownNameOrQuantizationIsSaid) {
  const auto unknown = find_in_catalogue(built_in(), "gpt-5");
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message.find("not in the catalogue of 20"), std::string::npos);
  const auto mixed = find_in_catalogue(built_in(), "qwen2.5:3b-q9_k");
  ASSERT_FALSE(mixed.ok());
  EXPECT_NE(mixed.error().message.find("\"q9_k\" is no quantization"), std::string::npos);
}

TEST(CatalogueTest, ModesOfAModelAreApart) {
  const CatalogueModel& model = *find_in_catalogue(built_in(), "qwen3:8b")->model;
  EXPECT_EQ(model.score("AIME 2024", Mode::kThinking)->value.value, 76.0);
  EXPECT_EQ(model.score("AIME 2024", Mode::kDirect)->value.value, 29.1);
  EXPECT_EQ(model.score("Chess", Mode::kDirect), nullptr);
}

TEST(CatalogueTest, MarksWhatIsFromMemory) {
  const auto& model = *find_in_catalogue(built_in(), "deepseek-r1:8b-0528-qwen3")->model;
  EXPECT_FALSE(model.score("GPQA-Diamond", Mode::kThinking)->value.checked);
  EXPECT_TRUE(find_in_catalogue(built_in(), "deepseek-r1:7b")
                  ->model->score("GPQA-Diamond", Mode::kThinking)
                  ->value.checked);
}

TEST(CatalogueTest, TheCautiousLossCounts) {
  EXPECT_NEAR(built_in().loss("q4_k_m")->perplexity_ratio, 6.584 / 6.401, 1e-4);
  EXPECT_EQ(built_in().loss("f16"), nullptr);
}

TEST(CatalogueTest, FileNamesAreThoseOfTheRepository) {
  EXPECT_EQ(find_in_catalogue(built_in(), "qwen3:8b")->model->file_name("q4_k_m"),
            "Qwen_Qwen3-8B-Q4_K_M.gguf");
  EXPECT_EQ(find_in_catalogue(built_in(), "gpt-oss:20b")->model->file_name("mxfp4"),
            "gpt-oss-20b-mxfp4.gguf");
}

std::string model_text(std::string_view change = "", std::string_view shape = "") {
  return fmt::format(
      R"({{"name": "a:1b", "family": "A", "released": "2025-01-01", "shape": {{
      "architecture": "llama", "layers": 2, "width": 64, "heads": 4, "kv_heads": 2,
      "head_dim": 16, "ffn_width": 96, "vocab": 100, "context": 512, "tied": true{}}},
      "parameters": {{"value": 5, "source": "s"}}, "header_bytes": 0,
      "licence": {{"name": "L", "commercial": true}}, "languages": [], "thinking": "never",
      "fill_in_the_middle": false, "fetch": {{"repository": "r", "file": "f.gguf"}},
      "scores": []{}}})",
      shape, change);
}
std::string text(std::string_view models, std::string_view more = "") {
  return fmt::format(
      R"({{"format": 1, "date": "2025-01-01",
      "sources": [{{"id": "s", "text": "t", "date": "2025-01-01"}}], "models": [{}],
      "losses": [], "floors": [], "online": []{}}})",
      models, more);
}

TEST(CatalogueTest, AMistakeIsNamedWithItsPlace) {
  ASSERT_TRUE(parse_catalogue(text(model_text())).ok());
  const std::pair<std::string, const char*> kBad[] = {
      {"{", "byte"},
      {"[]", "the document must be an object"},
      {R"({"format": 2})", "\"format\" must be a whole number from 1 to 1"},
      {text("", R"(, "more": 1)"), "\"more\" is not known"},
      {text("1"), "\"models\"[0] must be an object"},
      {text(model_text() + "," + model_text()), "\"models\"[1].\"name\" is there twice"},
      {text(model_text(R"(, "aliases": ["b", "a:1b"])")), "\"aliases\" is there twice: a:1b"},
      {text(model_text(R"(, "colour": 1)")), "\"models\"[0].\"colour\" is not known"},
      {text(model_text("", R"(, "experts": 4)")), "\"experts_used\" must be from 1"},
      {text(model_text("", R"(, "experts": 4, "experts_used": 5)")), "\"experts_used\""},
      {text(model_text("", R"(, "window": 4)")), "\"window_pattern\" must be there"},
      {text(model_text(R"(, "files": [{"quantization": "q1", "bytes": 1, "source": "s"}])")),
       "\"files\"[0].\"quantization\" must be one of"},
      {text(model_text(R"(, "files": [{"quantization": "f16", "bytes": 0, "source": "s"}])")),
       "\"bytes\" must be a whole number from 1"},
      {text(model_text(R"(, "files": [{"quantization": "f16", "bytes": 1, "source": "x"}])")),
       "\"source\" is not in the list of sources"},
      {text(model_text(R"(, "thinking_tokens": {"value": 0, "source": "s"})")), "\"value\" must"},
  };
  for (const auto& [bad, message] : kBad) {
    const auto parsed = parse_catalogue(bad);
    ASSERT_FALSE(parsed.ok()) << bad;
    EXPECT_NE(parsed.error().message.find(message), std::string::npos) << parsed.error().message;
  }
}

TEST(CatalogueTest, TheKindsOfScoresAreHeldApart) {
  const auto scored = [](std::string_view scores) {
    std::string model = model_text();
    model.replace(model.find("\"scores\": []"), 12, fmt::format("\"scores\": [{}]", scores));
    return parse_catalogue(text(model));
  };
  const std::string one = R"({"metric": "M", "mode": "direct", "value": 5, "source": "s"})";
  EXPECT_TRUE(scored(one).ok());
  EXPECT_FALSE(scored(one + "," + one).ok());
  EXPECT_FALSE(scored(R"({"metric": "M", "mode": "fast", "value": 5, "source": "s"})").ok());
  EXPECT_FALSE(scored(R"({"metric": "M", "mode": "direct", "value": 101, "source": "s"})").ok());
  EXPECT_FALSE(scored(R"({"metric": "M", "mode": "direct", "value": "5", "source": "s"})").ok());
}

}  // namespace
}  // namespace handmill::measure
