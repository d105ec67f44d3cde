// The policy, rule by rule: who enters, who gets which tokens, who gives way, and who waits.
#include <algorithm>
#include <gtest/gtest.h>

#include "backend/backend.h"
#include "engine/test_bench.h"

namespace handmill::engine {
namespace {

using backend::kKvBlock;

TEST(Scheduler, CutsPrefillIntoChunks) {
  Bench bench(16, limits(100, 4));
  const RequestId id = bench.add(250, 2);
  EXPECT_EQ(bench.step(), (Plan{{id, 100}}));
  EXPECT_EQ(bench.step(), (Plan{{id, 100}}));
  EXPECT_EQ(bench.made(id), 0);
  EXPECT_EQ(bench.step(), (Plan{{id, 50}}));
  EXPECT_EQ(bench.made(id), 1);
  EXPECT_EQ(bench.step(), (Plan{{id, 1}}));
  EXPECT_TRUE(bench.finished(id));
  EXPECT_TRUE(bench.step().empty());
}

TEST(Scheduler, DecodesFirstAndPrefillFillsTheRest) {
  Bench bench(16, limits(10, 4));
  const RequestId a = bench.add(3, 50), b = bench.add(4, 50);
  EXPECT_EQ(bench.step(), (Plan{{a, 3}, {b, 4}}));
  const RequestId c = bench.add(30, 50);
  EXPECT_EQ(bench.step(), (Plan{{a, 1}, {b, 1}, {c, 8}}));
  EXPECT_EQ(bench.step(), (Plan{{a, 1}, {b, 1}, {c, 8}}));
}

TEST(Scheduler, BesideDecodesAPrefillGetsLess) {
  Limits few = limits(100, 4);
  few.beside_tokens = 25;
  Bench bench(16, few);
  const RequestId a = bench.add(90, 3), b = bench.add(200, 50);
  EXPECT_EQ(bench.step(), (Plan{{a, 90}, {b, 10}}));
  EXPECT_EQ(bench.step(), (Plan{{a, 1}, {b, 25}}));
  EXPECT_EQ(bench.step(), (Plan{{a, 1}, {b, 25}}));
  EXPECT_EQ(bench.step(), (Plan{{b, 100}}));
}

TEST(Scheduler, APrefillNeverTakesTheTokensOfDecodes) {
  Bench bench(32, limits(10, 4));
  const RequestId first = bench.add(15, 50);
  const RequestId second = bench.add(2, 50);
  EXPECT_EQ(bench.step(), (Plan{{first, 8}, {second, 2}}));
  EXPECT_EQ(bench.step(), (Plan{{first, 7}, {second, 1}}));
  EXPECT_EQ(bench.step(), (Plan{{first, 1}, {second, 1}}));
}

TEST(Scheduler, ShortPromptsPassALongOneWhichKeepsHalf) {
  Bench bench(64, limits(64, 8));
  const RequestId slow = bench.add(640, 2);
  EXPECT_EQ(bench.step(), (Plan{{slow, 64}}));
  const RequestId a = bench.add(60, 2), b = bench.add(20, 2), c = bench.add(8, 2);
  EXPECT_EQ(bench.step(), (Plan{{slow, 32}, {a, 4}, {b, 20}, {c, 8}})) << "the shortest first";
  EXPECT_EQ(bench.step(), (Plan{{slow, 31}, {a, 31}, {b, 1}, {c, 1}}));
}

TEST(Scheduler, ALongPrefillWaitsForAnotherAndIsPassed) {
  Bench bench(64, limits(64, 8));
  const RequestId first = bench.add(130, 9), second = bench.add(140, 9), brief = bench.add(10, 9);
  EXPECT_EQ(bench.step(), (Plan{{first, 54}, {brief, 10}}));
  EXPECT_EQ(bench.step(), (Plan{{first, 63}, {brief, 1}}));
  EXPECT_EQ(bench.step(), (Plan{{first, 13}, {second, 50}, {brief, 1}}));
}

TEST(Scheduler, AdmitsInOrderWhilePlacesLast) {
  Bench bench(32, limits(100, 2));
  const RequestId a = bench.add(5, 2), b = bench.add(5, 9), c = bench.add(5, 9);
  EXPECT_EQ(bench.step(), (Plan{{a, 5}, {b, 5}}));
  EXPECT_EQ(bench.scheduler().waiting(), 1u);
  bench.step();
  EXPECT_TRUE(bench.finished(a));
  EXPECT_EQ(bench.step(), (Plan{{b, 1}, {c, 5}}));
}

TEST(Scheduler, AnOlderRequestIsNotOvertakenByASmallerOne) {
  Bench bench(4, limits(512, 4, 256));
  const RequestId a = bench.add(100, 5), b = bench.add(190, 5), c = bench.add(5, 5);
  EXPECT_EQ(bench.step(), (Plan{{a, 100}})) << "b needs three of the two blocks that are left";
  while (!bench.finished(a)) bench.step();
  EXPECT_EQ(bench.made(c), 0);
  EXPECT_EQ(bench.step(), (Plan{{b, 190}}));
}

TEST(Scheduler, PrioritiesGoFirst) {
  Bench bench(32, limits(100, 1));
  const RequestId running = bench.add(5, {.answer = 3, .priority = 9});
  bench.step();
  const RequestId low = bench.add(5, {.priority = 2}), mid = bench.add(5, {.priority = 1});
  const RequestId high = bench.add(5, {.priority = -1}), next = bench.add(5, {.priority = 1});
  EXPECT_EQ(bench.order(), (std::vector{running, high, mid, next, low}));
}

TEST(Scheduler, OwnersTakeTurns) {
  Bench bench(32, limits(100, 1));
  std::vector<RequestId> many, few;
  for (int i = 0; i < 5; ++i) many.push_back(bench.add(20, {.owner = 1}));
  for (int i = 0; i < 2; ++i) few.push_back(bench.add(20, {.owner = 2}));
  EXPECT_EQ(bench.order(),
            (std::vector{many[0], few[0], many[1], few[1], many[2], many[3], many[4]}));
}

TEST(Scheduler, TurnsAreMeasuredInTokens) {
  Bench bench(32, limits(1000, 1));
  std::vector<RequestId> big, small;
  for (int i = 0; i < 3; ++i) big.push_back(bench.add(95, {.answer = 5, .owner = 1}));
  for (int i = 0; i < 6; ++i) small.push_back(bench.add(20, {.answer = 15, .owner = 2}));
  // 100 tokens against 35, and against 35 · 3.
  EXPECT_EQ(bench.order(), (std::vector{big[0], small[0], small[1], small[2], big[1], small[3],
                                        small[4], small[5], big[2]}));
}

TEST(Scheduler, AnOwnerThatComesBackHasNoCredit) {
  Bench bench(32, limits(100, 1));
  for (int i = 0; i < 9; ++i) bench.add(50, {.owner = 1});
  for (int i = 0; i < 20; ++i) bench.step();
  const RequestId a = bench.add(50, {.owner = 2}), b = bench.add(50, {.owner = 2});
  const std::vector<RequestId> order = bench.order();
  EXPECT_NE(std::ranges::find(order, a) + 1, std::ranges::find(order, b)) << "they take turns";
}

TEST(Scheduler, TheNewestGivesWayWhenBlocksRunOut) {
  Bench bench(3, limits(512, 4, 192));
  const RequestId a = bench.add(60, 100), b = bench.add(60, 20);
  bool preempted = false;
  while (!bench.finished(a)) {
    const Plan plan = bench.step();
    ASSERT_FALSE(plan.empty());
    ASSERT_EQ(plan[0].first, a) << "the oldest always goes on";
    preempted |= plan.size() == 1 && bench.made(b) > 0 && !bench.finished(b);
  }
  EXPECT_TRUE(preempted);
  EXPECT_EQ(bench.scheduler().preemptions(), 1u);
  while (!bench.finished(b)) ASSERT_FALSE(bench.step().empty());
  EXPECT_EQ(bench.made(b), 20) << "none lost, none twice";
  EXPECT_EQ(bench.cache().free_blocks(), 3);
}

TEST(Scheduler, TheLowestPriorityGivesWayFirst) {
  Bench bench(4, limits(512, 4, 256));
  const RequestId low = bench.add(60, {.answer = 20, .priority = 1});
  bench.step();
  const RequestId high = bench.add(60, {.answer = 150});
  while (!bench.finished(high)) {
    const Plan plan = bench.step();
    ASSERT_EQ(plan.back().first, high);
  }
  EXPECT_EQ(bench.made(high), 150);
  while (!bench.finished(low)) ASSERT_FALSE(bench.step().empty());
  EXPECT_EQ(bench.made(low), 20);
}

TEST(Scheduler, APreemptedSequenceGoesOnBeforeAnyThatWaits) {
  Bench bench(3, limits(512, 4, 192));
  const RequestId a = bench.add(60, 100), b = bench.add(60, 20);
  bench.step();
  const RequestId c = bench.add(60, {.answer = 5, .owner = 7});
  while (!bench.finished(a)) bench.step();
  EXPECT_GT(bench.made(b), 0);
  ASSERT_FALSE(bench.finished(b)) << "it gave way";
  EXPECT_EQ(bench.made(c), 0);
  const Plan plan = bench.step();
  ASSERT_FALSE(plan.empty());
  EXPECT_EQ(plan[0].first, b);
}

TEST(Scheduler, ContextFullIsAnEndNotADeadlock) {
  Bench bench(2, limits(512, 4, 128));
  const RequestId id = bench.add(100, 1000);
  for (int i = 0; i < 200 && !bench.finished(id); ++i) bench.step();
  ASSERT_TRUE(bench.finished(id));
  EXPECT_EQ(bench.finish(id), Finish::kContext);
  EXPECT_EQ(bench.made(id), 29);
}

/// Prompts of 900 equal tokens and 30 of their own.
std::vector<std::vector<text::Token>> with_one_prefix(uint32_t count) {
  std::vector<std::vector<text::Token>> prompts;
  for (uint32_t i = 0; i < count; ++i) {
    prompts.push_back(random_prompt(900, 77));
    const auto tail = random_prompt(30, 100 + i);
    prompts.back().insert(prompts.back().end(), tail.begin(), tail.end());
  }
  return prompts;
}

TEST(Scheduler, APrefixThatManyShareIsComputedOnce) {
  Bench bench(64, limits(512, 16));
  std::vector<RequestId> ids;
  for (auto& prompt : with_one_prefix(16)) ids.push_back(bench.add(std::move(prompt), {}));
  const RequestId other = bench.add(100, 5);
  EXPECT_EQ(bench.step(), (Plan{{ids[0], 412}, {other, 100}})) << "who shares nothing passes";
  EXPECT_EQ(bench.step(), (Plan{{ids[0], 511}, {other, 1}}));
  int prefilled = 0;
  for (Plan plan = bench.step(); !plan.empty(); plan = bench.step())
    for (const auto& [id, count] : plan) prefilled += count > 1 ? count : 0;
  EXPECT_EQ(prefilled, 7 + 15 * (930 - 896)) << "14 blocks of the 900 tokens are shared";
  for (RequestId id : ids) EXPECT_EQ(bench.cached(id), id == ids[0] ? 0 : 896);
}

TEST(Scheduler, AnswersToOnePromptPrefillItOnce) {
  Bench bench(64, limits(512, 16));
  std::vector<RequestId> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(bench.add(random_prompt(200, 5), {}));
  EXPECT_EQ(bench.step(), (Plan{{ids[0], 200}}));
  EXPECT_EQ(bench.step(), (Plan{{ids[0], 1}, {ids[1], 8}, {ids[2], 8}, {ids[3], 8}}));
}

TEST(Scheduler, OnlyAPrefixIsWaitedFor) {
  Bench bench(64, limits(512, 16));
  const auto known = random_prompt(2 * kKvBlock, 5), more = random_prompt(100, 6);
  auto join = [](std::vector<text::Token> text, const std::vector<text::Token>& tail) {
    text.insert(text.end(), tail.begin(), tail.end());
    return text;
  };
  bench.add(join(known, {1}), {.answer = 1});
  bench.step();
  // Both go on with the same block, the one after what is known, the other after another text.
  const RequestId a = bench.add(join(random_prompt(2 * kKvBlock, 7), more), {});
  const RequestId b = bench.add(join(known, more), {});
  EXPECT_EQ(bench.step(), (Plan{{a, 228}, {b, 100}}));
  const RequestId c = bench.add(join(known, more), {});
  EXPECT_EQ(bench.step(), (Plan{{a, 1}, {b, 1}, {c, 36}})) << "what is there is not waited for";
}

TEST(Scheduler, WhoWaitedForACancelledPrefixGoesOnWithIt) {
  Bench bench(64, limits(128, 16));
  std::vector<RequestId> ids;
  for (auto& prompt : with_one_prefix(3)) ids.push_back(bench.add(std::move(prompt), {}));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(bench.step(), (Plan{{ids[0], 128}}));
  bench.end(ids[0]);
  EXPECT_EQ(bench.step(), (Plan{{ids[1], 128}}));
  EXPECT_EQ(bench.cached(ids[1]), 256) << "what was computed is not lost";
  bench.end(ids[1]);
  while (!bench.finished(ids[2])) ASSERT_FALSE(bench.step().empty());
  EXPECT_EQ(bench.cached(ids[2]), 384);
  EXPECT_EQ(bench.cache().free_blocks(), 64);
}

TEST(Scheduler, AFloodOfHigherPrioritiesStarvesNobody) {
  Limits strict = limits(64, 1);
  strict.patience = 10;
  Bench bench(64, strict);
  bench.add(5, {.answer = 4});
  bench.step();
  const RequestId first = bench.add(5, {.answer = 2, .priority = 5});
  const RequestId second = bench.add(5, {.answer = 2, .priority = 5});
  int steps = 0, first_done = 0;
  for (; !bench.finished(second); ++steps) {
    ASSERT_LT(steps, 100);
    bench.add(5, {.answer = 4});
    bench.step();
    if (bench.finished(first) && first_done == 0) first_done = steps;
  }
  EXPECT_GE(first_done, 9);
  EXPECT_LE(first_done, 10 + 4 + 2) << "its patience, the one that was running, its own";
  EXPECT_LE(steps, first_done + 10 + 4 + 2);
}

TEST(Scheduler, AFloodOfShortPromptsDoesNotStallALongOne) {
  Limits strict = limits(64, 4);
  strict.patience = 10;
  Bench bench(64, strict);
  const RequestId first = bench.add(800, {.answer = 2, .priority = 1});
  bench.step();
  int steps = 0;
  for (; !bench.finished(first); ++steps) {
    ASSERT_LT(steps, 40);
    for (int i = 0; i < 3; ++i) bench.add(60, {.answer = 1});
    bench.step();
  }
  EXPECT_GT(steps, 20) << "the others pass";
}

TEST(Scheduler, AnElderDoesNotPushOutWhoIsOlder) {
  Limits strict = limits(2, 4, 256);
  strict.patience = 40;
  Bench bench(6, strict);
  const RequestId older = bench.add(60, 190);
  while (bench.made(older) < 20) bench.step();
  const RequestId elder = bench.add(130, {.answer = 2});
  while (!bench.finished(older)) ASSERT_EQ(bench.step().front().first, older);
  EXPECT_EQ(bench.scheduler().preemptions(), 1u);
  while (!bench.finished(elder)) ASSERT_FALSE(bench.step().empty());
}

TEST(Scheduler, WhatAnElderWaitsForBecomesOne) {
  Limits strict = limits(64, 4);
  strict.patience = 10;
  Bench bench(64, strict);
  auto prompts = with_one_prefix(2);
  // The one that computes the prefix is younger, and behind a flood.
  const RequestId reader = bench.add(prompts[1], {.priority = 9});
  const RequestId writer = bench.add(prompts[0], {.priority = 1});
  bench.step();
  for (int steps = 0; !bench.finished(reader); ++steps) {
    ASSERT_LT(steps, 80);
    for (int i = 0; i < 3; ++i) bench.add(60, {.answer = 1});
    bench.step();
  }
  EXPECT_EQ(bench.cached(reader), 896);
  EXPECT_TRUE(bench.made(writer) > 0);
}

}  // namespace
}  // namespace handmill::engine
