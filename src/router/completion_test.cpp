// What a request's sink is told, by real engines on tiny models.
#include <cmath>
#include <mutex>
#include <set>
#include <thread>

#include "router/test_router.h"

namespace handmill::router {
namespace {

TEST(Completion, AnswersAndCounts) {
  TestRouter router({{"tiny", TestRouter::tiny()}}, TestRouter::small());
  Answer answer;
  const auto ticket = router->submit(plain("hello", 8, "Tiny:LATEST"), 0, answer.sink());
  ASSERT_TRUE(answer.wait());
  ASSERT_TRUE(answer.end.has_value()) << answer.fault->message;
  EXPECT_EQ(answer.end->usage.prompt_tokens, 5);
  EXPECT_EQ(answer.end->usage.completion_tokens, 8);
  EXPECT_EQ(answer.choice_ends[0].finish, api::Finish::kLength);
  const api::Timings& timings = answer.end->timings;
  EXPECT_GT(timings.load_s, 0);
  EXPECT_GE(timings.queue_s, timings.load_s);
  EXPECT_GE(timings.ttft_s, timings.queue_s);
  EXPECT_GE(timings.total_s, timings.ttft_s);
  EXPECT_EQ(router.state("tiny"), State::kLoaded);
}

TEST(Completion, NumbersChoicesByPromptAndSeedsThem) {
  TestRouter router({{"tiny", TestRouter::tiny()}}, TestRouter::small());
  api::Completion asked = plain("cde", 12);
  asked.prompts.push_back(api::PlainText{"xyzxyz"});
  asked.choices = 2;
  asked.sampling.temperature = 1;
  Answer answer;
  const auto ticket = router->submit(asked, 0, answer.sink());
  ASSERT_TRUE(answer.wait());
  ASSERT_TRUE(answer.end.has_value());
  EXPECT_EQ(answer.end->usage.prompt_tokens, 9);
  EXPECT_EQ(answer.end->usage.completion_tokens, 48);
  EXPECT_EQ(answer.choice_ends.size(), 4u);
  EXPECT_NE(answer.content[0], answer.content[1]);
  // Choice 3 is the second answer to the second prompt: alone it has the seed after the first's.
  api::Completion alone = plain("xyzxyz", 12);
  alone.sampling.temperature = 1;
  alone.sampling.seed = 2;
  Answer single;
  const auto other = router->submit(alone, 0, single.sink());
  ASSERT_TRUE(single.wait());
  EXPECT_EQ(single.content[0], answer.content[3]);
}

TEST(Completion, EchoComesFirstAndMayBeAll) {
  TestRouter router({{"tiny", TestRouter::tiny()}}, TestRouter::small());
  api::Completion asked = plain("hello", 0);
  asked.echo = true;
  asked.choices = 2;
  Answer answer;
  const auto ticket = router->submit(asked, 0, answer.sink());
  ASSERT_TRUE(answer.wait());
  ASSERT_TRUE(answer.end.has_value());
  EXPECT_EQ(answer.content[0], "hello");
  EXPECT_EQ(answer.content[1], "hello");
  EXPECT_EQ(answer.choice_ends[1].finish, api::Finish::kLength);
  EXPECT_EQ(answer.end->usage.completion_tokens, 0);

  Answer longer;
  asked.max_tokens = 4;
  const auto other = router->submit(asked, 0, longer.sink());
  ASSERT_TRUE(longer.wait());
  EXPECT_EQ(longer.first_deltas, (std::vector<std::string>{"hello", "hello"}));
  EXPECT_TRUE(longer.content[0].starts_with("hello"));
  EXPECT_GT(longer.content[0].size(), 5u);
}

/// A model whose prompts open a thought, unless they are asked not to.
model::TinyModel thinker() {
  model::TinyModel tiny = TestRouter::tiny();
  tiny.change = [](gguf::Writer& writer) {
    writer.set_string("tokenizer.chat_template",
                      "{% for m in messages %}{{ m.content }}{% endfor %}"
                      "{% if enable_thinking is not defined or enable_thinking %}<think>{% endif "
                      "%}");
  };
  return tiny;
}

api::Completion talk(std::string text) {
  api::Completion asked = plain("", 6);
  asked.prompts = {api::Conversation{{user(std::move(text))}, {}}};
  return asked;
}

TEST(Completion, AnswerOfAnOpenedThoughtIsReasoning) {
  TestRouter router({{"tiny", thinker()}}, TestRouter::small());
  EXPECT_TRUE(router->find("tiny")->thinks);
  EXPECT_FALSE(router->find("tiny")->has_tools);
  Answer thinks, does_not;
  api::Completion asked = talk("hi");
  asked.sampling.logit_bias = {{'a', 100.0f}};
  const auto first = router->submit(asked, 0, thinks.sink());
  asked.think = false;
  const auto second = router->submit(asked, 0, does_not.sink());
  ASSERT_TRUE(thinks.wait() && does_not.wait());
  EXPECT_EQ(thinks.reasoning[0], "aaaaaa");
  EXPECT_EQ(thinks.content[0], "");
  EXPECT_EQ(thinks.end->usage.reasoning_tokens, 6);
  EXPECT_EQ(does_not.content[0], "aaaaaa");
  EXPECT_EQ(does_not.reasoning[0], "");
  EXPECT_EQ(does_not.end->usage.reasoning_tokens, 0);
}

/// Writes down what it is told, and tells a share that follows from it.
class Watcher final : public Observer {
 public:
  Run begun(std::string_view model, int prompt_tokens) override {
    const std::lock_guard lock(mutex);
    begun_with.emplace_back(model, prompt_tokens);
    open.insert(static_cast<Run>(begun_with.size()));
    return static_cast<Run>(begun_with.size());
  }
  api::Roofs ended(Run run, const engine::Timings& timings) override {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(open.erase(run), 1u) << "ended once";
    tokens.push_back(timings.generated_tokens);
    return {{}, api::RoofShares{"memory", timings.generated_tokens / 100.0}};
  }
  size_t still_open() {
    const std::lock_guard lock(mutex);
    return open.size();
  }

  std::mutex mutex;
  std::vector<std::pair<std::string, int>> begun_with;
  std::set<Run> open;
  std::vector<int> tokens;
};

TEST(Completion, AnObserverIsToldOfEveryRun) {
  Options options = TestRouter::small();
  const auto watcher = std::make_shared<Watcher>();
  options.observer = watcher;
  TestRouter router({{"tiny", TestRouter::tiny()}}, options);
  Answer answer;
  const auto ticket = router->submit(plain("hello", 5), 0, answer.sink());
  ASSERT_TRUE(answer.wait());
  using Begun = std::vector<std::pair<std::string, int>>;
  EXPECT_EQ(watcher->begun_with, (Begun{{"tiny", answer.end->usage.prompt_tokens}}));
  EXPECT_EQ(watcher->tokens, (std::vector<int>{5}));
  ASSERT_TRUE(answer.end->timings.roofs.decode);
  EXPECT_EQ(answer.end->timings.roofs.decode->of_roof, 0.05);

  Answer with_logits;
  api::Completion asked = plain("hello", 5);
  asked.prompt_logprobs = asked.echo = true;
  asked.logprobs = 0;
  const auto other = router->submit(asked, 0, with_logits.sink());
  ASSERT_TRUE(with_logits.wait());
  EXPECT_EQ(watcher->begun_with.size(), 1u) << "no prediction counts a prompt's logits";
  EXPECT_FALSE(with_logits.end->timings.roofs.decode);

  Answer left;
  router->submit(plain("hello", 200), 0, left.sink()).reset();
  ASSERT_TRUE(left.wait());
  Answer cut;
  cut.gate.shut();
  const auto last = router->submit(plain("hello", 200), 0, cut.sink());
  ASSERT_TRUE(cut.wait_started());
  std::thread closing([&router] { router.close(); });  // its job fails on its way
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  cut.gate.open();
  closing.join();
  EXPECT_EQ(watcher->still_open(), 0u);
}

TEST(Completion, FaultsNameTheField) {
  TestRouter router({{"tiny", TestRouter::tiny()}}, TestRouter::small());
  const auto fault = [&router](const api::Completion& asked) {
    Answer answer;
    const auto ticket = router->submit(asked, 0, answer.sink());
    EXPECT_TRUE(answer.wait());
    return answer.fault.value_or(api::Fault{api::Fault::Kind::kInternal, "none"});
  };
  using Kind = api::Fault::Kind;
  api::Completion asked = plain("a", 1, "else");
  EXPECT_EQ(fault(asked).kind, Kind::kNotFound);
  EXPECT_EQ(fault(asked).param, "model");
  asked = plain("a", 1);
  asked.sampling.top_p = 2;
  EXPECT_EQ(fault(asked).kind, Kind::kInvalid);
  EXPECT_EQ(fault(asked).param, "top_p");
  asked = plain("a", 1);
  asked.sampling.logit_bias = {{300, 1.0f}};
  EXPECT_EQ(fault(asked).param, "logit_bias");
  asked = plain("a", 1);
  asked.stop = {""};
  EXPECT_EQ(fault(asked).param, "stop");
  asked = plain("a", -2);
  EXPECT_EQ(fault(asked).param, "max_tokens");
  asked = plain("", 1);
  EXPECT_EQ(fault(asked).param, "prompt");
  asked.prompts = {std::vector<text::Token>{1, 300}};
  EXPECT_EQ(fault(asked).message, "token 300 at 1 is outside the vocabulary of 300");
  asked = plain(std::string(300, 'x'), 1);
  EXPECT_EQ(fault(asked).kind, Kind::kContext);
  EXPECT_EQ(fault(asked).message, "the prompt has 300 tokens; the context has room for 256");
  asked = plain(std::string(30, 'x'), 1);
  asked.context = 20;
  EXPECT_EQ(fault(asked).message, "the prompt has 30 tokens; the context has room for 19");
  asked.choices = 0;
  EXPECT_EQ(fault(asked).param, "n");
}

TEST(Completion, ATemplatesComplaintIsAboutTheMessages) {
  model::TinyModel tiny = TestRouter::tiny();
  tiny.change = [](gguf::Writer& writer) {
    writer.set_string("tokenizer.chat_template", "{{ raise_exception('no system here') }}");
  };
  TestRouter router({{"tiny", tiny}}, TestRouter::small());
  Answer answer;
  const auto ticket = router->submit(talk("hi"), 0, answer.sink());
  ASSERT_TRUE(answer.wait());
  ASSERT_TRUE(answer.fault.has_value());
  EXPECT_EQ(answer.fault->kind, api::Fault::Kind::kInvalid);
  EXPECT_EQ(answer.fault->param, "messages");
  EXPECT_NE(answer.fault->message.find("no system here"), std::string::npos);
  EXPECT_EQ(router.loads, 0) << "a request that cannot be answered loads nothing";
}

TEST(Completion, DroppingTheTicketEndsIt) {
  Options options = TestRouter::small();
  options.engine.max_sequences = 1;
  TestRouter router({{"tiny", TestRouter::tiny()}}, options);
  Answer decodes, waits;
  decodes.gate.shut();
  auto first = router->submit(plain("a", 200), 0, decodes.sink());
  ASSERT_TRUE(decodes.wait_started());
  auto second = router->submit(plain("b", 200), 0, waits.sink());
  second.reset();
  first.reset();
  decodes.gate.open();
  ASSERT_TRUE(decodes.wait() && waits.wait());
  EXPECT_EQ(waits.choice_ends[0].finish, api::Finish::kCancelled);
  EXPECT_TRUE(waits.end.has_value());
  EXPECT_TRUE(eventually([&] { return router->idle(); }));
  Answer third;  // the place is free
  const auto ticket = router->submit(plain("c", 2), 0, third.sink());
  ASSERT_TRUE(third.wait());
  EXPECT_TRUE(third.end.has_value());
}

TEST(Completion, ASinkMayDropItsOwnTicket) {
  TestRouter router({{"tiny", TestRouter::tiny()}}, TestRouter::small());
  Answer answer;
  std::mutex mutex;
  std::unique_ptr<Ticket> ticket;
  auto sink = [&, inner = answer.sink()](Event event) {
    const bool delta = std::holds_alternative<api::Delta>(event);
    inner(std::move(event));
    if (!delta) return;
    const std::lock_guard lock(mutex);
    ticket.reset();
  };
  {
    const std::lock_guard lock(mutex);
    ticket = router->submit(plain("a", 250), 0, sink);
  }
  ASSERT_TRUE(answer.wait());
  EXPECT_EQ(answer.choice_ends[0].finish, api::Finish::kCancelled);
}

TEST(Completion, AnExceptionOfASinkCostsItsRequestAlone) {
  TestRouter router({{"tiny", TestRouter::tiny()}}, TestRouter::small());
  const auto bad = router->submit(plain("a", 250), 0, [](const Event& event) {
    if (std::holds_alternative<api::Delta>(event)) throw std::runtime_error("broken");
  });
  Answer good;
  const auto ticket = router->submit(plain("b", 20), 0, good.sink());
  ASSERT_TRUE(good.wait());
  EXPECT_TRUE(good.end.has_value());
  EXPECT_TRUE(eventually([&] { return router->idle(); }));
  EXPECT_LT(router->stats().at(0).engine.generated_tokens, 100u) << "it went on for nobody";
}

}  // namespace
}  // namespace handmill::router
