// What is told of models that are not loaded: facts, digests, names, texts and tokens.
#include "router/facts.h"

#include <gtest/gtest.h>

#include "router/identity.h"
#include "router/names.h"
#include "router/test_router.h"

namespace handmill::router {
namespace {

model::TinyModel with(std::function<void(gguf::Writer&)> change) {
  model::TinyModel tiny = TestRouter::tiny();
  tiny.change = std::move(change);
  return tiny;
}

TEST(Facts, AreReadFromTheFile) {
  const auto file = with([](gguf::Writer& writer) {
                      writer.set("general.file_type", uint32_t{15});
                      writer.set_string("tokenizer.chat_template",
                                        "{% for t in tools %}{{ t.function.name }}{% endfor %}");
                    }).open();
  const auto info = describe({"x", "/no/such"}, *file);
  ASSERT_TRUE(info.ok()) << info.error().message;
  EXPECT_EQ(info->architecture, "llama");
  EXPECT_EQ(info->quantization, "Q4_K_M");
  EXPECT_EQ(info->context, 256);
  EXPECT_EQ(info->width, 64);
  EXPECT_TRUE(info->has_tools);
  EXPECT_FALSE(info->thinks);
  EXPECT_GT(info->parameters, 300u * 64u);
  EXPECT_EQ(info->file_bytes, file->bytes());
  const auto untold = describe({"x", ""}, *TestRouter::tiny().open());
  EXPECT_EQ(untold->quantization, "Q8_0") << "the embedding is the largest";
}

TEST(Facts, ADigestTellsFilesApart) {
  const std::string digest = identity(*TestRouter::tiny().open());
  EXPECT_EQ(digest.size(), 64u);
  EXPECT_EQ(digest.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(identity(*TestRouter::tiny().open()), digest);
  model::TinyModel other = TestRouter::tiny();
  other.seed = 2;  // the same sizes
  EXPECT_NE(identity(*other.open()), digest);
  const auto named = with([](gguf::Writer& writer) { writer.set_string("general.name", "b"); });
  EXPECT_NE(identity(*named.open()), digest);
}

TEST(Facts, NamesAreFolded) {
  EXPECT_EQ(folded("Qwen2.5:Latest"), "qwen2.5");
  EXPECT_EQ(folded("a:latest:latest"), "a:latest");
  EXPECT_EQ(folded(":latest"), ":latest");
}

TEST(Facts, AModelIsFoundByNameAndNeverByPath) {
  TestRouter router({{"One", TestRouter::tiny()}, {"two", TestRouter::tiny()}});
  EXPECT_EQ(router->find("")->name, "One");
  EXPECT_EQ(router->find("oNE:latest")->name, "One");
  EXPECT_FALSE(router->find("three").has_value());
  EXPECT_FALSE(router->find(router->find("two")->path).has_value());
  EXPECT_FALSE(router->find("two.gguf").has_value());
  EXPECT_EQ(router->models().size(), 2u);
}

TEST(Facts, ABrokenFileIsLeftOut) {
  const base::TempFolder folder;
  Options options;
  options.models = {{"broken", folder.file("broken.gguf", std::string_view("GGUF"))}};
  EXPECT_FALSE(Router::make(options).ok());
  TestRouter::tiny().write(folder / "good.gguf");
  options.models.push_back({"good", folder / "good.gguf"});
  options.models.push_back({"GOOD", folder / "good.gguf"});
  const auto router = Router::make(options);
  ASSERT_TRUE(router.ok()) << router.error().message;
  EXPECT_EQ((*router)->models().size(), 1u);
  EXPECT_FALSE(Router::make({}).ok());
}

TEST(Facts, TokensNeedNoWeights) {
  TestRouter router({{"a", with([](gguf::Writer& writer) {
                        writer.set_string("tokenizer.chat_template", "[{{ messages[0].content }}]");
                      })}});
  const std::vector<text::Token> abc = {256, 'c'};  // "ab" is one
  EXPECT_EQ(std::get<0>(router->tokenize("a", api::PlainText{"abc"}, false)), abc);
  EXPECT_EQ(std::get<0>(router->detokenize("a", abc)), "abc");
  const std::vector<text::Token> beyond = {300};
  EXPECT_EQ(std::get<1>(router->detokenize("a", beyond)).param, "tokens");
  const api::Conversation talk{{user("hi")}, {}};
  EXPECT_EQ(std::get<0>(router->apply_template("a", talk)), "[hi]");
  EXPECT_EQ(std::get<0>(router->tokenize("a", talk, false)).size(), 4u);
  EXPECT_EQ(std::get<1>(router->apply_template("b", talk)).kind, api::Fault::Kind::kNotFound);
  const auto file = router->file("a");
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE((*file)->has("tokenizer.chat_template"));
  EXPECT_FALSE(router->file("b").ok());
  EXPECT_EQ(router.loads, 0);
}

}  // namespace
}  // namespace handmill::router
