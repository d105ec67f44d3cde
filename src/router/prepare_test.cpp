// Conversations that are too long, and what is left of them.
#include "router/prepare.h"

#include <gtest/gtest.h>

#include "model/tiny_model.h"
#include "router/test_router.h"

namespace handmill::router {
namespace {

/// A byte is a token; a message is "role:content;".
std::shared_ptr<const Front> front(std::string_view source =
                                       "{% for m in messages %}{{ m.role[0] }}{{ m.content }};"
                                       "{% endfor %}") {
  const base::TempFolder folder;
  model::TinyModel tiny = TestRouter::tiny();
  tiny.change = [source](gguf::Writer& writer) {
    writer.set_string("tokenizer.chat_template", source);
  };
  tiny.write(folder / "a.gguf");
  const auto opened = Front::open(folder / "a.gguf");
  EXPECT_TRUE(opened.ok()) << opened.error().message;
  return *opened;
}

api::Completion long_talk() {
  api::Completion asked;
  asked.prompts = {api::Conversation{{{"system", "S", {}},
                                      {"user", "q1", {}},
                                      {"assistant", "a1", {}},
                                      {"user", "q2", {}},
                                      {"assistant", "a2", {}},
                                      {"user", "q3", {}}},
                                     {}}};
  return asked;
}

TEST(Prepare, KeepsTheSystemMessageAndTheLatestTurns) {
  const auto model = front();
  api::Completion asked = long_talk();
  asked.truncate = true;
  const auto text = [&](int positions) {
    auto made = prepare(*model, asked, positions);
    auto* fault = std::get_if<api::Fault>(&made);
    return fault != nullptr ? fault->message : std::get<std::vector<chat::Prompt>>(made)[0].text;
  };
  EXPECT_EQ(text(23), "sS;uq1;aa1;uq2;aa2;uq3;");
  EXPECT_EQ(text(22), "sS;uq2;aa2;uq3;");
  EXPECT_EQ(text(15), "sS;uq2;aa2;uq3;");
  EXPECT_EQ(text(14), "sS;uq3;");
  EXPECT_EQ(text(7), "sS;uq3;");
  EXPECT_EQ(text(6), "the prompt has 7 tokens; the context has room for 6");
  asked.truncate = false;
  EXPECT_EQ(text(22), "the prompt has 23 tokens; the context has room for 22");
}

TEST(Prepare, AFaultyTemplateLeavesPlainText) {
  const auto model = front("{% if %}");
  auto made = prepare(*model, long_talk(), 100);
  ASSERT_TRUE(std::holds_alternative<api::Fault>(made));
  EXPECT_EQ(std::get<api::Fault>(made).param, "messages");
  api::Completion text;
  text.prompts = {api::PlainText{"abc"}};
  EXPECT_TRUE(std::holds_alternative<std::vector<chat::Prompt>>(prepare(*model, text, 100)));
}

TEST(Prepare, EmbeddingsAreCutOnlyWhereAsked) {
  const auto model = front();
  api::Embedding asked;
  asked.inputs = {std::string("hello"), std::vector<text::Token>{1, 2, 3}};
  auto made = prepare(*model, asked, 4);
  ASSERT_TRUE(std::holds_alternative<api::Fault>(made));
  EXPECT_EQ(std::get<api::Fault>(made).kind, api::Fault::Kind::kContext);
  asked.truncate = true;
  made = prepare(*model, asked, 4);
  const auto& inputs = std::get<std::vector<std::vector<text::Token>>>(made);
  EXPECT_EQ(inputs[0], (std::vector<text::Token>{'h', 'e', 'l', 'l'}));
  EXPECT_EQ(inputs[1].size(), 3u);
  asked.inputs = {std::string()};
  EXPECT_EQ(std::get<api::Fault>(prepare(*model, asked, 4)).param, "input");
}

}  // namespace
}  // namespace handmill::router
