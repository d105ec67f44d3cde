// Loading, keeping and letting go, with real threads. Nothing is asserted of times: what must come
// is waited for.
#include <list>
#include <random>

#include "router/test_router.h"

namespace handmill::router {
namespace {

using std::chrono::milliseconds;
using Kind = api::Fault::Kind;

std::map<std::string, model::TinyModel> named(std::initializer_list<std::string> names) {
  std::map<std::string, model::TinyModel> models;
  for (const std::string& name : names) {
    models[name] = TestRouter::tiny();
    models[name].seed = static_cast<uint32_t>(models.size());
  }
  return models;
}

/// What each of the tiny models takes by its plan.
uint64_t bytes_of_one() {
  static const uint64_t bytes = [] {
    TestRouter router(named({"one"}), TestRouter::small());
    Answer answer;
    const auto ticket = router->submit(plain("a", 1), 0, answer.sink());
    EXPECT_TRUE(answer.wait());
    return router->find("one")->memory_bytes;
  }();
  return bytes;
}

TEST(Loading, OneLoadServesAllWhoWait) {
  TestRouter router(named({"a"}), TestRouter::small());
  router.gate.shut();
  std::list<Answer> answers(8);
  std::vector<std::unique_ptr<Ticket>> tickets;
  for (Answer& answer : answers) tickets.push_back(router->submit(plain("x", 3), 0, answer.sink()));
  EXPECT_EQ(router.state("a"), State::kLoading);
  router.gate.open();
  for (Answer& answer : answers) {
    ASSERT_TRUE(answer.wait());
    EXPECT_TRUE(answer.end.has_value());
    EXPECT_EQ(answer.content[0], answers.front().content[0]);
  }
  EXPECT_EQ(router.loads, 1);
}

TEST(Loading, WhoeverLeavesMeanwhileIsTold) {
  TestRouter router(named({"a"}), TestRouter::small());
  router.gate.shut();
  Answer leaves, stays;
  auto ticket = router->submit(plain("x", 3), 0, leaves.sink());
  const auto other = router->submit(plain("x", 3), 0, stays.sink());
  ASSERT_TRUE(eventually([&] { return router.gate.arrived == 1; }));
  ticket.reset();
  EXPECT_TRUE(leaves.ended());
  EXPECT_EQ(leaves.choice_ends[0].finish, api::Finish::kCancelled);
  router.gate.open();
  ASSERT_TRUE(stays.wait());
  EXPECT_TRUE(stays.end.has_value());
}

TEST(Loading, AQueueIsBounded) {
  Options options = TestRouter::small();
  options.queue_max = 3;
  TestRouter router(named({"a"}), options);
  router.gate.shut();
  std::list<Answer> answers(5);
  std::vector<std::unique_ptr<Ticket>> tickets;
  for (Answer& answer : answers) tickets.push_back(router->submit(plain("x", 3), 0, answer.sink()));
  int busy = 0;
  for (Answer& answer : answers)
    if (answer.ended()) busy += answer.fault && answer.fault->kind == Kind::kBusy ? 1 : 0;
  EXPECT_EQ(busy, 2);
  tickets.erase(tickets.begin());  // a place
  Answer last;
  const auto ticket = router->submit(plain("x", 3), 0, last.sink());
  router.gate.open();
  ASSERT_TRUE(last.wait());
  EXPECT_TRUE(last.end.has_value());
}

TEST(Loading, AFailureIsToldToAllAndMayPass) {
  model::TinyModel broken = TestRouter::tiny();
  broken.without = {"blk.0.ffn_up.weight"};
  auto models = named({"good"});
  models["broken"] = broken;
  TestRouter router(models, TestRouter::small());
  for (int i = 0; i < 2; ++i) {
    Answer answer;
    const auto ticket = router->submit(plain("x", 3, "broken"), 0, answer.sink());
    ASSERT_TRUE(answer.wait());
    ASSERT_TRUE(answer.fault.has_value());
    EXPECT_EQ(answer.fault->kind, Kind::kUnavailable);
    EXPECT_NE(answer.fault->message.find("blk.0.ffn_up.weight"), std::string::npos);
    EXPECT_EQ(answer.fault->message.find(router.folder().path()), std::string::npos)
        << "no path is told: " << answer.fault->message;
  }
  Answer good;
  const auto ticket = router->submit(plain("x", 3, "good"), 0, good.sink());
  ASSERT_TRUE(good.wait());
  EXPECT_TRUE(good.end.has_value());
}

TEST(Loading, KeepAliveIsKept) {
  Options options = TestRouter::small();
  options.keep_alive = milliseconds(5);
  TestRouter router(named({"a"}), options);
  Answer first, second, third;
  auto ticket = router->submit(plain("x", 3), 0, first.sink());
  ASSERT_TRUE(first.wait());
  EXPECT_TRUE(eventually([&] { return router.state("a") == State::kUnloaded; }));
  EXPECT_EQ(router->find("a")->memory_bytes, 0u);

  api::Completion forever = plain("x", 3);
  forever.keep_alive = milliseconds(-1);
  ticket = router->submit(forever, 0, second.sink());
  ASSERT_TRUE(second.wait());
  EXPECT_EQ(router.state("a"), State::kLoaded);
  EXPECT_FALSE(router->find("a")->expires.has_value());
  EXPECT_EQ(router.loads, 2);

  api::Completion at_once = plain("x", 3);
  at_once.keep_alive = milliseconds(0);
  ticket = router->submit(at_once, 0, third.sink());
  ASSERT_TRUE(third.wait());
  EXPECT_TRUE(eventually([&] { return router.state("a") == State::kUnloaded; }));
  EXPECT_EQ(router.loads, 2);
}

TEST(Loading, UnloadWaitsForTheBusy) {
  TestRouter router(named({"a"}), TestRouter::small());
  Answer answer;
  answer.gate.shut();
  const auto ticket = router->submit(plain("x", 200), 0, answer.sink());
  ASSERT_TRUE(answer.wait_started());
  router->unload("a");
  answer.gate.open();
  ASSERT_TRUE(answer.wait());
  EXPECT_EQ(answer.end->usage.completion_tokens, 200);
  EXPECT_TRUE(eventually([&] { return router.state("a") == State::kUnloaded; }));
}

TEST(Loading, PreloadsAndSaysSo) {
  TestRouter router(named({"a"}), TestRouter::small());
  std::atomic<int> done = 0;
  const auto count = [&done](const std::optional<api::Fault>& fault) {
    EXPECT_FALSE(fault.has_value());
    ++done;
  };
  router->preload("a", {}, count);
  router->preload("a", {}, count);
  EXPECT_TRUE(eventually([&] { return done == 2; }));
  EXPECT_EQ(router.state("a"), State::kLoaded);
  EXPECT_TRUE(router->find("a")->expires.has_value());
  router->preload("a", milliseconds(0), count);
  EXPECT_EQ(done, 3);
  EXPECT_TRUE(eventually([&] { return router.state("a") == State::kUnloaded; }));
  EXPECT_EQ(router.loads, 1);
  std::optional<api::Fault> fault;
  router->preload("none", {}, [&fault](std::optional<api::Fault> told) { fault = told; });
  EXPECT_EQ(fault->kind, Kind::kNotFound);
}

TEST(Loading, TheLeastRecentlyUsedMakesRoom) {
  Options options = TestRouter::small();
  options.memory_bytes = 2 * bytes_of_one() + bytes_of_one() / 2;
  TestRouter router(named({"a", "b", "c"}), options);
  const auto ask = [&router](const std::string& name) {
    Answer answer;
    const auto ticket = router->submit(plain("x", 2, name), 0, answer.sink());
    EXPECT_TRUE(answer.wait());
    EXPECT_TRUE(answer.end.has_value()) << name;
    EXPECT_TRUE(eventually([&] { return router->idle(); }));
  };
  ask("a");
  ask("b");
  ask("a");
  ask("c");
  EXPECT_EQ(router.state("a"), State::kLoaded);
  EXPECT_EQ(router.state("b"), State::kUnloaded);
  EXPECT_EQ(router.state("c"), State::kLoaded);
  ask("b");
  EXPECT_EQ(router.state("a"), State::kUnloaded);
}

TEST(Loading, WhatCannotFitIsRefusedWithNumbersAndCostsNobody) {
  auto models = named({"a"});
  models["big"] = TestRouter::tiny();
  models["big"].ffn_width = 64 * 1024;
  Options options = TestRouter::small();
  options.memory_bytes = 2 * bytes_of_one();
  TestRouter router(models, options);
  Answer first, answer;
  const auto a = router->submit(plain("x", 2, "a"), 0, first.sink());
  ASSERT_TRUE(first.wait());
  const auto ticket = router->submit(plain("x", 2, "big"), 0, answer.sink());
  ASSERT_TRUE(answer.wait());
  ASSERT_TRUE(answer.fault.has_value());
  EXPECT_EQ(answer.fault->kind, Kind::kUnavailable);
  EXPECT_NE(answer.fault->message.find("model big needs "), std::string::npos);
  const uint64_t mib = ((options.memory_bytes - 1) >> 20) + 1;
  EXPECT_NE(answer.fault->message.find("models may take " + std::to_string(mib) + " MiB"),
            std::string::npos)
      << answer.fault->message;
  EXPECT_EQ(router.state("a"), State::kLoaded);
}

TEST(Loading, ABusyModelIsWaitedForAndNotStarvedOut) {
  Options options = TestRouter::small();
  options.memory_bytes = bytes_of_one() + bytes_of_one() / 2;
  TestRouter router(named({"a", "b"}), options);
  Answer busy, other, late;
  busy.gate.shut();
  const auto first = router->submit(plain("x", 200, "a"), 0, busy.sink());
  ASSERT_TRUE(busy.wait_started());
  const auto second = router->submit(plain("x", 2, "b"), 0, other.sink());
  const auto third = router->submit(plain("x", 2, "a"), 0, late.sink());
  busy.gate.open();
  ASSERT_TRUE(busy.wait() && other.wait() && late.wait());
  EXPECT_EQ(busy.end->usage.completion_tokens, 200);
  EXPECT_TRUE(other.end.has_value());
  EXPECT_TRUE(late.end.has_value());
}

TEST(Loading, WhoLeavesTheQueueCostsNoModelItsPlace) {
  Options options = TestRouter::small();
  options.memory_bytes = bytes_of_one() + bytes_of_one() / 2;
  TestRouter router(named({"a", "b"}), options);
  Answer busy, leaves, late;
  busy.gate.shut();
  const auto first = router->submit(plain("x", 200, "a"), 0, busy.sink());
  ASSERT_TRUE(busy.wait_started());
  auto second = router->submit(plain("x", 2, "b"), 0, leaves.sink());
  second.reset();
  ASSERT_TRUE(leaves.wait());
  EXPECT_TRUE(eventually([&] { return router.state("b") == State::kUnloaded; }));
  const auto third = router->submit(plain("x", 2, "a"), 0, late.sink());
  busy.gate.open();
  ASSERT_TRUE(busy.wait() && late.wait());
  EXPECT_EQ(router.state("a"), State::kLoaded);
  EXPECT_EQ(router.loads, 1);
}

TEST(Loading, DrainingLetsWhatRunsEnd) {
  TestRouter router(named({"a"}), TestRouter::small());
  router.gate.shut();
  Answer accepted, refused;
  const auto first = router->submit(plain("x", 3), 0, accepted.sink());
  router->drain();
  const auto second = router->submit(plain("x", 3), 0, refused.sink());
  ASSERT_TRUE(refused.wait());
  EXPECT_EQ(refused.fault->kind, Kind::kUnavailable);
  EXPECT_FALSE(router->idle());
  router.gate.open();
  ASSERT_TRUE(accepted.wait());
  EXPECT_TRUE(accepted.end.has_value());
  EXPECT_TRUE(eventually([&] { return router->idle(); }));
}

TEST(Loading, TheEndOfTheRouterEndsEveryRequest) {
  TestRouter router(named({"a", "b"}), TestRouter::small());
  std::list<Answer> answers(20);
  std::vector<std::unique_ptr<Ticket>> tickets;
  int i = 0;
  for (Answer& answer : answers)
    tickets.push_back(router->submit(plain("x", 200, i++ % 2 == 0 ? "a" : "b"), 0, answer.sink()));
  ASSERT_TRUE(answers.front().wait_started());
  router.close();
  for (const Answer& answer : answers) EXPECT_TRUE(answer.ended());
  tickets.clear();  // after it
}

TEST(Loading, ManyThreadsEachEndExactlyOnce) {
  Options options = TestRouter::small();
  options.memory_bytes = 2 * bytes_of_one() + bytes_of_one() / 2;
  options.keep_alive = milliseconds(1);
  options.queue_max = 8;
  TestRouter router(named({"a", "b", "c"}), options);
  const std::string names[] = {"a", "b", "c"};
  const auto client = [&](unsigned seed) {
    std::mt19937 random(seed);
    std::list<Answer> answers;
    std::list<std::unique_ptr<Ticket>> tickets;
    for (int i = 0; i < 40; ++i) {
      const std::string& name = names[random() % 3];
      tickets.push_back(router->submit(plain("x", static_cast<int>(random() % 12), name), seed,
                                       answers.emplace_back().sink()));
      if (random() % 3 == 0) tickets.pop_front();
      if (random() % 8 == 0) router->unload(name);
      if (random() % 4 == 0) {
        EXPECT_TRUE(answers.back().wait());
      }
      for (const ModelStats& stats : router->stats()) EXPECT_GE(stats.seconds_since_progress, 0);
    }
    for (const Answer& answer : answers) EXPECT_TRUE(answer.wait());
  };
  std::vector<std::thread> clients;
  for (unsigned seed = 1; seed <= 4; ++seed) clients.emplace_back(client, seed);
  for (std::thread& one : clients) one.join();
  EXPECT_TRUE(eventually([&] { return router->idle(); }));
}

}  // namespace
}  // namespace handmill::router
