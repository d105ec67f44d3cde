#include "engine/scheduler.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <random>

#include "backend/backend.h"
#include "engine/test_engine.h"

namespace handmill::engine {
namespace {

using backend::kKvBlock;

/// A scheduler with a model that computes nothing and always likes token 65 best.
class Bench {
 public:
  Bench(int blocks, Limits limits)
      : limits_(limits), cache_(blocks), scheduler_(cache_, limits), logits_(300) {
    static const auto file = model::TinyModel{}.open();
    tokenizer_ = *text::Tokenizer::load(*file);
  }

  RequestId add(int prompt, int max_tokens, uint32_t seed = 0) {
    Request wanted =
        request(random_prompt(static_cast<size_t>(prompt), ++seed_ + seed), max_tokens);
    const RequestId id = ++last_id_;
    wanted_[id] = max_tokens;
    auto sink = [this](const Event& event) {
      if (event.token != text::kNoToken) ++made_[event.id];
      if (event.finish) finished_[event.id] = *event.finish;
    };
    scheduler_.add(std::make_unique<Sequence>(id, std::move(wanted), sink, tokenizer_, 300));
    return id;
  }

  /// One step; what was scheduled: tokens by request, in the batch's order.
  std::vector<std::pair<RequestId, int>> step() {
    std::vector<std::pair<RequestId, int>> scheduled;
    int total = 0;
    for (const auto& [sequence, count] : scheduler_.schedule()) {
      EXPECT_GT(count, 0);
      EXPECT_LE(count, sequence->pending());
      EXPECT_GE(static_cast<int>(sequence->table.size()) * kKvBlock, sequence->computed() + count);
      scheduled.emplace_back(sequence->id(), count);
      total += count;
      sequence->advance(count);
      cache_.publish(sequence->table,
                     sequence->tokens().first(static_cast<size_t>(sequence->computed())));
      if (sequence->pending() > 0) continue;
      std::fill(logits_.begin(), logits_.end(), 0.0f);
      logits_[static_cast<size_t>(65 + sequence->length() % 7)] = 9;
      sequence->pick(logits_, limits_.positions_max);
    }
    scheduler_.retire();
    EXPECT_LE(total, limits_.batch_tokens);
    EXPECT_LE(scheduled.size(), static_cast<size_t>(limits_.sequences_max));
    return scheduled;
  }

  int made(RequestId id) { return made_[id]; }
  bool finished(RequestId id) { return finished_.contains(id); }
  Finish finish(RequestId id) { return finished_.at(id); }
  size_t waiting() const { return scheduler_.waiting(); }
  size_t running() const { return scheduler_.running(); }
  kv::Cache& cache() { return cache_; }
  int wanted(RequestId id) { return wanted_[id]; }

 private:
  Limits limits_;
  kv::Cache cache_;
  Scheduler scheduler_;
  std::vector<float> logits_;
  std::shared_ptr<const text::Tokenizer> tokenizer_;
  std::map<RequestId, int> made_, wanted_;
  std::map<RequestId, Finish> finished_;
  RequestId last_id_ = 0;
  uint32_t seed_ = 1000;
};

using Plan = std::vector<std::pair<RequestId, int>>;

TEST(Scheduler, CutsPrefillIntoChunks) {
  Bench bench(16, {.batch_tokens = 100, .sequences_max = 4, .positions_max = 1024});
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
  Bench bench(16, {.batch_tokens = 10, .sequences_max = 4, .positions_max = 1024});
  const RequestId a = bench.add(3, 50), b = bench.add(4, 50);
  EXPECT_EQ(bench.step(), (Plan{{a, 3}, {b, 4}}));
  const RequestId c = bench.add(30, 50);
  EXPECT_EQ(bench.step(), (Plan{{a, 1}, {b, 1}, {c, 8}}));
  EXPECT_EQ(bench.step(), (Plan{{a, 1}, {b, 1}, {c, 8}}));
}

TEST(Scheduler, APrefillNeverTakesTheTokensOfDecodes) {
  Bench bench(32, {.batch_tokens = 10, .sequences_max = 4, .positions_max = 1024});
  const RequestId first = bench.add(15, 50);
  const RequestId second = bench.add(2, 50);
  EXPECT_EQ(bench.step(), (Plan{{first, 10}}));
  EXPECT_EQ(bench.step(), (Plan{{first, 5}, {second, 2}}));
  EXPECT_EQ(bench.step(), (Plan{{first, 1}, {second, 1}}));
}

TEST(Scheduler, AdmitsInOrderWhilePlacesLast) {
  Bench bench(32, {.batch_tokens = 100, .sequences_max = 2, .positions_max = 1024});
  const RequestId a = bench.add(5, 2), b = bench.add(5, 9), c = bench.add(5, 9);
  EXPECT_EQ(bench.step(), (Plan{{a, 5}, {b, 5}}));
  EXPECT_EQ(bench.waiting(), 1u);
  bench.step();
  EXPECT_TRUE(bench.finished(a));
  EXPECT_EQ(bench.step(), (Plan{{b, 1}, {c, 5}}));
}

TEST(Scheduler, AnOlderRequestIsNotOvertakenByASmallerOne) {
  Bench bench(4, {.batch_tokens = 512, .sequences_max = 4, .positions_max = 256});
  const RequestId a = bench.add(100, 5), b = bench.add(190, 5), c = bench.add(5, 5);
  EXPECT_EQ(bench.step(), (Plan{{a, 100}})) << "b needs three of the two blocks that are left";
  while (!bench.finished(a)) bench.step();
  EXPECT_EQ(bench.made(c), 0);
  EXPECT_EQ(bench.step(), (Plan{{b, 190}}));
}

TEST(Scheduler, TheNewestGivesWayWhenBlocksRunOut) {
  Bench bench(3, {.batch_tokens = 512, .sequences_max = 4, .positions_max = 192});
  const RequestId a = bench.add(60, 100), b = bench.add(60, 20);
  EXPECT_EQ(bench.step(), (Plan{{a, 60}, {b, 60}}));
  bool preempted = false;
  while (!bench.finished(a)) {
    const Plan plan = bench.step();
    ASSERT_FALSE(plan.empty());
    ASSERT_EQ(plan[0].first, a) << "the oldest always goes on";
    preempted |= plan.size() == 1 && !bench.finished(b);
  }
  EXPECT_TRUE(preempted);
  while (!bench.finished(b)) ASSERT_FALSE(bench.step().empty());
  EXPECT_EQ(bench.made(b), 20) << "none lost, none twice";
  EXPECT_EQ(bench.cache().free_blocks(), 3);
}

TEST(Scheduler, APreemptedSequenceGoesOnBeforeAnyThatWaits) {
  Bench bench(3, {.batch_tokens = 512, .sequences_max = 4, .positions_max = 192});
  const RequestId a = bench.add(60, 100), b = bench.add(60, 20), c = bench.add(60, 5);
  while (!bench.finished(a)) bench.step();
  EXPECT_GT(bench.made(b), 0);
  ASSERT_FALSE(bench.finished(b)) << "it gave way";
  EXPECT_EQ(bench.made(c), 0);
  const Plan plan = bench.step();
  ASSERT_FALSE(plan.empty());
  EXPECT_EQ(plan[0].first, b);
}

TEST(Scheduler, ContextFullIsAnEndNotADeadlock) {
  Bench bench(2, {.batch_tokens = 512, .sequences_max = 4, .positions_max = 128});
  const RequestId id = bench.add(100, -1);
  for (int i = 0; i < 200 && !bench.finished(id); ++i) bench.step();
  ASSERT_TRUE(bench.finished(id));
  EXPECT_EQ(bench.finish(id), Finish::kContext);
  EXPECT_EQ(bench.made(id), 29);
}

TEST(Scheduler, RandomLoadsAlwaysEnd) {
  std::mt19937 random(3);
  for (int round = 0; round < 40; ++round) {
    const int blocks = 3 + static_cast<int>(random() % 10);
    const int positions = blocks * kKvBlock - static_cast<int>(random() % kKvBlock);
    Bench bench(blocks, {.batch_tokens = 1 + static_cast<int>(random() % 200),
                         .sequences_max = 1 + static_cast<int>(random() % 6),
                         .positions_max = positions});
    std::vector<RequestId> ids;
    int steps = 0;
    do {
      if (ids.size() < 25 && random() % 3 == 0)
        ids.push_back(bench.add(1 + static_cast<int>(random() % static_cast<unsigned>(positions)),
                                1 + static_cast<int>(random() % 80)));
      const bool idle = bench.running() + bench.waiting() == 0;
      ASSERT_EQ(bench.step().empty(), idle) << "every step makes progress";
      ASSERT_LT(++steps, 100000);
    } while (ids.size() < 25 || bench.running() + bench.waiting() > 0);
    for (RequestId id : ids) {
      ASSERT_TRUE(bench.finished(id));
      if (bench.finish(id) == Finish::kLength) {
        EXPECT_EQ(bench.made(id), bench.wanted(id));
      } else {
        EXPECT_EQ(bench.finish(id), Finish::kContext);
      }
    }
    EXPECT_EQ(bench.cache().free_blocks(), blocks);
  }
}

}  // namespace
}  // namespace handmill::engine
