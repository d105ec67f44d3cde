// Names of a hub, and the choice among a repository's files.
#include "cli/hub.h"

#include <gtest/gtest.h>

namespace handmill::cli {
namespace {

HubName parsed(std::string_view word) {
  auto name = parse_hub_name(word);
  EXPECT_TRUE(name.ok() && name->has_value()) << word;
  return name.ok() && name->has_value() ? **name : HubName{};
}

TEST(Hub, KnowsWhatIsElsewhere) {
  for (const char* word : {"http://a/b.gguf", "https://a/b.gguf", "hf:a/b", "hf.co/a/b:Q8_0"})
    EXPECT_TRUE(is_remote(word)) << word;
  for (const char* word : {"", "model", "./hf.co/a", "a/b.gguf", "qwen2.5:7b", "hf"})
    EXPECT_FALSE(is_remote(word)) << word;
}

TEST(Hub, ReadsEveryFormOfAName) {
  for (const char* word : {"hf:own/n.1-GGUF:Q4_K_M", "hf.co/own/n.1-GGUF:Q4_K_M",
                           "https://huggingface.co/own/n.1-GGUF:Q4_K_M"}) {
    const HubName name = parsed(word);
    EXPECT_EQ(name.repository, "own/n.1-GGUF");
    EXPECT_EQ(name.tag, "Q4_K_M");
    EXPECT_EQ(name.revision, "main");
    EXPECT_EQ(name.file, "");
  }
  EXPECT_EQ(parsed("hf:own/n/deep/x.gguf").file, "deep/x.gguf");
  for (const char* word : {"https://huggingface.co/own/n/blob/v1/deep/x.gguf?download=true",
                           "https://hf.co/own/n/resolve/v1/deep/x.gguf"}) {
    EXPECT_EQ(parsed(word).revision, "v1");
    EXPECT_EQ(parsed(word).file, "deep/x.gguf");
  }
  EXPECT_EQ(parsed("https://huggingface.co/own/n/tree/v2").revision, "v2");
  const auto other = parse_hub_name("https://example.org/own/n/x.gguf");
  EXPECT_TRUE(other.ok() && !other->has_value());
}

TEST(Hub, RefusesWhatIsNoName) {
  for (const char* word : {"hf:", "hf:own", "hf:own/", "hf:/n", "hf:own/n:", "hf:own/n:Q4/x.gguf",
                           "hf:own/n:Q 4", "hf:o wn/n", "hf:../n", "hf:own/n/blob/main",
                           "hf:own/n/blob//x.gguf", "hf.co/own/n/tree/main/x"}) {
    const auto name = parse_hub_name(word);
    ASSERT_FALSE(name.ok()) << word;
    EXPECT_NE(name.error().message.find("would be right"), std::string::npos);
  }
}

TEST(Hub, ChoosesAFile) {
  const std::vector<std::string> files = {"README.md",
                                          "mmproj-x-Q8_0.gguf",
                                          "x-Q4_K_M.gguf",
                                          "x-q4_k_s.gguf",
                                          "x-IQ4_XS.gguf",
                                          "big/x-F16-00001-of-00002.gguf",
                                          "big/x-F16-00002-of-00002.gguf",
                                          "x-Q8_0.gguf"};
  const auto chosen = [&](const std::string& tag) {
    return choose_file({.repository = "o/x", .tag = tag}, files);
  };
  EXPECT_EQ(*chosen(""), "x-Q4_K_M.gguf");
  EXPECT_EQ(*chosen("q4_K_s"), "x-q4_k_s.gguf");
  EXPECT_EQ(*chosen("Q8_0"), "x-Q8_0.gguf");
  EXPECT_EQ(*chosen("f16"), "big/x-F16-00001-of-00002.gguf");
  for (const char* tag : {"Q4_K", "4_XS", "Q5_0"}) {
    ASSERT_FALSE(chosen(tag).ok()) << tag;
    EXPECT_EQ(chosen(tag).error().code, Code::kNotFound);
    EXPECT_NE(chosen(tag).error().message.find("x-Q8_0.gguf"), std::string::npos);
    EXPECT_EQ(chosen(tag).error().message.find("mmproj"), std::string::npos);
  }
  const auto several =
      choose_file({.repository = "o/x", .tag = "Q8_0"}, {"a/x-Q8_0.gguf", "b/x-Q8_0.gguf"});
  ASSERT_FALSE(several.ok());
  EXPECT_NE(several.error().message.find("hf:o/x/FILE"), std::string::npos);
  EXPECT_EQ(*choose_file({.repository = "o/x"}, {"only-Q8_0.gguf", "README.md"}), "only-Q8_0.gguf");
  EXPECT_EQ(choose_file({.repository = "o/x"}, {"model.safetensors"}).error().code,
            Code::kNotFound);
}

}  // namespace
}  // namespace handmill::cli
