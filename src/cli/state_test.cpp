// Parameters, saved chats, model names and output files: what a person's words and files turn into.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

#include "cli/chat_file.h"
#include "cli/home.h"
#include "cli/model_name.h"
#include "cli/output_file.h"

namespace handmill::cli {
namespace {

namespace fs = std::filesystem;

class Home : public ::testing::Test {
 protected:
  Home() {
    std::string pattern = (fs::temp_directory_path() / "handmill_XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    setenv("HANDMILL_HOME", root_.c_str(), 1);
    fs::create_directories(root_ / "models");
    for (const char* name : {"smollm2-135m-instruct-q4_1.gguf", "qwen2.5-coder.gguf",
                             "big-00001-of-00002.gguf", "big-00002-of-00002.gguf", "notes.txt"})
      std::ofstream(root_ / "models" / name) << "x";
  }
  ~Home() override {
    fs::remove_all(root_);
    unsetenv("HANDMILL_HOME");
  }
  fs::path root_;
};

TEST_F(Home, ModelsAreListedByName) {
  std::vector<std::string> names;
  for (const ModelFile& model : list_models((root_ / "models").string()))
    names.push_back(model.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"big", "qwen2.5-coder", "smollm2-135m-instruct-q4_1"}));
  EXPECT_TRUE(list_models((root_ / "nowhere").string()).empty());
}

TEST_F(Home, AModelIsANameOrAPath) {
  EXPECT_EQ(find_model("")->name, kDefaultModel);
  EXPECT_EQ(find_model("qwen2.5-coder")->path, (root_ / "models/qwen2.5-coder.gguf").string());
  EXPECT_EQ(find_model("qwen2.5-coder.gguf")->name, "qwen2.5-coder");
  EXPECT_EQ(find_model("big")->path, (root_ / "models/big-00001-of-00002.gguf").string());
  const std::string path = (root_ / "models/notes.txt").string();
  EXPECT_EQ(find_model(path)->path, path);
  const std::string message = find_model("qwen2.5-codr").error().message;
  EXPECT_NE(message.find("did you mean qwen2.5-coder?"), std::string::npos) << message;
  EXPECT_NE(message.find("big, qwen2.5-coder, smollm2"), std::string::npos) << message;
  EXPECT_FALSE(find_model((root_ / "models").string()).ok());
}

TEST_F(Home, WithoutTheDefaultModelItSaysWhatToDo) {
  fs::remove(root_ / "models/smollm2-135m-instruct-q4_1.gguf");
  EXPECT_NE(find_model("").error().message.find("./run --setup"), std::string::npos);
}

TEST_F(Home, OneWordIsAModelOrAPrompt) {
  const auto split = [](const std::vector<std::string>& words) {
    auto got = model_and_prompt(words);
    return got.ok() ? got->model + "|" + got->prompt : "error";
  };
  EXPECT_EQ(split({}), "|");
  EXPECT_EQ(split({"qwen2.5-coder"}), "qwen2.5-coder|");
  EXPECT_EQ(split({"What is this?"}), "|What is this?");
  EXPECT_EQ(split({"hello"}), "|hello");
  EXPECT_EQ(split({"and/or"}), "|and/or");
  EXPECT_EQ(split({"qwen2.5-coder", "Say", "hi"}), "qwen2.5-coder|Say hi");
  EXPECT_EQ(split({"qwen2.5-code"}), "error");  // nearly a name: meant as one
  EXPECT_EQ(split({"missing.gguf"}), "error");
  EXPECT_EQ(split({"llama3"}), "error");  // made as names are
  EXPECT_EQ(split({"H2O"}), "|H2O");
  EXPECT_EQ(split({"2+2"}), "|2+2");
  EXPECT_EQ(split({"", "llama3"}), "|llama3");
}

TEST_F(Home, SeveralWordsAreAModelAndItsPromptOrASentence) {
  const auto split = [](const std::vector<std::string>& words) {
    auto got = model_and_prompt(words);
    return got.ok() ? got->model + "|" + got->prompt : "error";
  };
  EXPECT_EQ(split({"qwen2.5-coder", "Say hi"}), "qwen2.5-coder|Say hi");
  EXPECT_EQ(split({"qwen2.5-coder", "Tell", "a", "story"}), "qwen2.5-coder|Tell a story");
  EXPECT_EQ(split({(root_ / "models/notes.txt").string(), "hi"}),
            (root_ / "models/notes.txt").string() + "|hi");
  EXPECT_EQ(split({"What", "is", "this?"}), "|What is this?");
  EXPECT_EQ(split({"nonsense", "Say hi"}), "error");  // quoted: a prompt, so the first is a model
  EXPECT_EQ(split({"nonsense", "Say hi", "now"}), "error");
  EXPECT_EQ(split({"Say it", "to", "me"}), "error");
  EXPECT_EQ(split({"nonsense", "hi"}), "error");  // might be either
  EXPECT_EQ(split({"qwen2.5-codr", "tell", "a", "story"}), "error");
  EXPECT_EQ(split({"llama3", "tell", "a", "story"}), "error");
  EXPECT_EQ(split({"./nowhere", "tell", "a", "story"}), "error");
}

TEST_F(Home, HomeFollowsTheEnvironment) {
  EXPECT_EQ(home_folder(), root_.string());
  unsetenv("HANDMILL_HOME");
  setenv("HOME", "/h", 1);
  for (const auto& [data, home] : {std::pair{"/d", "/d/handmill"},
                                   {"d", "/h/.local/share/handmill"},
                                   {"", "/h/.local/share/handmill"}}) {
    setenv("XDG_DATA_HOME", data, 1);
    EXPECT_EQ(home_folder(), home);
  }
  unsetenv("XDG_DATA_HOME");
  EXPECT_EQ(models_folder(), "/h/.local/share/handmill/models");
}

TEST_F(Home, AnOutputFileIsWholeOrNotThere) {
  const std::string path = (root_ / "out").string();
  {
    auto file = OutputFile::create(path);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->write("half", 4).ok());
  }
  EXPECT_FALSE(fs::exists(path));
  auto file = OutputFile::create(path);
  ASSERT_TRUE(file->write("whole", 5).ok());
  ASSERT_TRUE(file->commit().ok());
  EXPECT_EQ(fs::file_size(path), 5u);
  EXPECT_EQ(std::distance(fs::directory_iterator(root_), {}), 2);  // nothing is left beside it
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("out", root_ / "link");
  auto again = OutputFile::create((root_ / "link").string());
  ASSERT_TRUE(again->write("new", 3).ok());
  ASSERT_TRUE(again->commit().ok());
  EXPECT_TRUE(fs::is_symlink(root_ / "link"));
  EXPECT_EQ(fs::file_size(path), 3u);
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_FALSE(OutputFile::create(root_.string()).ok());
  EXPECT_FALSE(OutputFile::create((root_ / "no/where").string()).ok());
}

TEST(Parameters, AreSetByNameAndSaved) {
  Parameters p;
  const std::vector<std::pair<std::string, std::vector<std::string>>> given = {
      {"temperature", {"0.25"}}, {"top-k", {"7"}},          {"num_predict", {"9"}},
      {"seed", {"42"}},          {"stop", {"\n\n", "END"}}, {"logit_bias", {"5=-1.5", "6=-inf"}},
      {"mirostat", {"2"}}};
  for (const auto& [name, values] : given) EXPECT_TRUE(set_parameter(p, name, values).ok()) << name;
  EXPECT_EQ(p.sampling.temperature, 0.25f);
  EXPECT_EQ(p.sampling.top_k, 7);
  EXPECT_EQ(p.max_tokens, 9);
  EXPECT_EQ(p.sampling.seed, 42u);
  EXPECT_TRUE(p.sampling.mirostat);
  EXPECT_EQ(p.sampling.logit_bias.size(), 2u);

  Parameters again;
  ASSERT_TRUE(from_json(to_json(p), again).ok());
  for (const Parameter& parameter : parameters())
    EXPECT_EQ(parameter.get(again), parameter.get(p)) << parameter.name;
  EXPECT_EQ(again.stop, p.stop);
}

TEST(Parameters, AnErrorNamesTheParameterAndChangesNothing) {
  Parameters p;
  const std::vector<std::string> word = {"warm"}, two = {"1", "2"}, none;
  EXPECT_EQ(set_parameter(p, "temperature", word).error().message,
            "temperature: \"warm\" is not a number");
  EXPECT_FALSE(set_parameter(p, "temperature", two).ok());
  EXPECT_FALSE(set_parameter(p, "temperature", none).ok());
  EXPECT_NE(set_parameter(p, "temprature", two).error().message.find("did you mean temperature?"),
            std::string::npos);
  EXPECT_EQ(p.sampling.temperature, Parameters{}.sampling.temperature);
}

TEST(ChatFile, RoundTrips) {
  ChatState state;
  state.system = "Be \"brief\".";
  state.parameters.sampling.top_k = 3;
  state.messages = {{"user", "Grüße\n\x01", {}}, {"assistant", "</s> <|im_end|>", {}}};
  auto again = parse_chat(chat_text("m", state), "f");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->system, state.system);
  EXPECT_EQ(again->parameters.sampling.top_k, 3);
  ASSERT_EQ(again->messages.size(), 2u);
  EXPECT_EQ(again->messages[0].content, state.messages[0].content);
  EXPECT_EQ(again->messages[1].role, "assistant");
}

TEST(ChatFile, BytesThatAreNoTextCanBeReadBack) {
  ChatState state;
  state.system = "\xFF";
  state.parameters.stop = {"\xE9"};
  state.messages = {{"user", "caf\xE9", {}}};
  auto again = parse_chat(chat_text("m\xFE", state), "f");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->messages[0].content, "caf\uFFFD");
  EXPECT_EQ(again->system, "\uFFFD");
}

TEST(ChatFile, ErrorsNameThePlace) {
  const auto message = [](std::string_view text) {
    auto got = parse_chat(text, "f");
    return got.ok() ? std::string() : got.error().message;
  };
  EXPECT_NE(message("{"), "");
  EXPECT_EQ(message("[]"), "f: not a saved chat of handmill");
  EXPECT_EQ(message(R"({"handmill_chat":2,"messages":[]})"),
            "f: handmill_chat is 2; this handmill reads 1");
  EXPECT_EQ(message(R"({"handmill_chat":1})"), "f: messages is not there or not a list");
  EXPECT_EQ(message(R"({"handmill_chat":1,"messages":[{"role":"user"}]})"),
            "f: messages[0]: content is not there or not a text");
  EXPECT_EQ(message(R"({"handmill_chat":1,"messages":[{"role":"boss","content":""}]})"),
            "f: messages[0]: role \"boss\" is none of system, user, assistant, tool");
  EXPECT_NE(message(R"({"handmill_chat":1,"parameters":{"top_k":["x"]},"messages":[]})"), "");
}

}  // namespace
}  // namespace handmill::cli
