// Scenarios through a real engine with a tiny model: counts are exact, times are in order.
#include "measure/scenario_bench.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "measure/metrics.h"
#include "model/tiny_model.h"

namespace handmill::measure {
namespace {

class ScenarioBenchTest : public testing::Test {
 protected:
  static std::unique_ptr<engine::Engine> open(engine::Options options) {
    auto engine = engine::Engine::open(model::TinyModel{}.open(), options);
    return engine.ok() ? *std::move(engine) : nullptr;
  }

  std::vector<BenchResult> measure(const Scenario& scenario, int repeats,
                                   const Goal& goal = Goal{}) {
    auto results = bench_.measure(scenario, {.fixed = repeats}, goal,
                                  [&](int done) { told_.push_back(done); });
    if (!results.ok()) {
      ADD_FAILURE() << results.error().message;
      return {};
    }
    return *std::move(results);
  }

  std::unique_ptr<engine::Engine> engine_ = open({.threads = 1, .context = 4096});
  ScenarioBench bench_{*engine_};
  std::vector<int> told_;
};

TEST_F(ScenarioBenchTest, ARequestIsRecordedWhole) {
  const auto results = measure({{"chat", "chat", 70, 5, 0, 1}}, 2);
  ASSERT_EQ(results.size(), 1u);
  const BenchResult& chat = results[0];
  EXPECT_EQ(told_, (std::vector<int>{-1, 0, 1}));
  ASSERT_EQ(chat.requests.size(), 2u);  // the warm-up is none of them
  for (const RequestRecord& one : chat.requests) {
    EXPECT_EQ(one.prompt_tokens, 70);
    EXPECT_EQ(one.cached_tokens, 0);
    EXPECT_EQ(one.answer_tokens, 5);
    ASSERT_EQ(one.piece_s.size(), 5u);
    EXPECT_TRUE(std::ranges::is_sorted(one.piece_s));
    EXPECT_GT(one.piece_s.front(), 0);
    EXPECT_GE(one.end_s, one.piece_s.back());
    EXPECT_LE(*one.prefill_s, one.piece_s.front());
  }
  for (const char* name : {"ttft_s", "pp_tok_s", "tpot_s", "tg_tok_s", "gap_p50_s", "gap_p90_s",
                           "gap_p99_s", "e2e_s", "out_tok_s", "pp_roof_tok_s", "tg_roof_tok_s"}) {
    ASSERT_NE(chat.find(name), nullptr) << name;
    EXPECT_EQ(chat.find(name)->runs.size(), 2u) << name;
  }
  EXPECT_GT(chat.peak_rss_bytes, 1u << 20);
  EXPECT_EQ(chat.threads, 1);
}

TEST_F(ScenarioBenchTest, EachTurnFindsTheFormerAndPrefillsOnlyWhatIsNew) {
  const Scenario talk = {{"turns", "turn 1", 100, 60, 0, 1},
                         {"turns", "turn 2", 100, 60, 160, 1},
                         {"turns", "turn 3", 100, 60, 320, 1}};
  const auto results = measure(talk, 2);
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].requests[1].cached_tokens, 0);  // the second conversation is another
  // The last token of an answer is never computed, and of 159 and 319 positions whole blocks stay.
  EXPECT_EQ(results[1].requests[0].cached_tokens, 128);
  EXPECT_EQ(results[2].requests[0].cached_tokens, 256);
  EXPECT_EQ(results[2].requests[0].prompt_tokens, 420);
  const RequestRecord& last = results[2].requests[0];
  EXPECT_DOUBLE_EQ(*last.pp_tok_s(), (420 - 256) / *last.prefill_s);
}

TEST_F(ScenarioBenchTest, ADepthIsInTheCacheBefore) {
  for (const int depth : {128, 1000, 256}) {
    const auto results = measure({{"depths", "depth", 64, 3, depth, 1}}, 2);
    ASSERT_EQ(results.size(), 1u);
    for (const RequestRecord& one : results[0].requests) {
      EXPECT_EQ(one.prompt_tokens, depth + 64);
      EXPECT_EQ(one.cached_tokens, depth / 64 * 64);
    }
  }
}

TEST_F(ScenarioBenchTest, ManyAtOnceAreAllCounted) {
  const auto results = measure({{"batches", "batch 3", 70, 6, 0, 3}}, 2);
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].requests.size(), 6u);
  EXPECT_EQ(results[0].find("tg_tok_s")->runs.size(), 2u);
  EXPECT_EQ(results[0].find("pp_roof_tok_s"), nullptr);
  double end_s = 0;
  for (size_t i = 0; i < 3; ++i) end_s = std::max(end_s, results[0].requests[i].end_s);
  EXPECT_DOUBLE_EQ(results[0].find("out_tok_s")->runs[0], 18 / end_s);
}

TEST_F(ScenarioBenchTest, AnAnswerOfOneTokenHasTtftAlone) {
  const auto results = measure({{"chat", "one", 70, 1, 0, 1}}, 2, *read_goal("tg=1000000000"));
  ASSERT_EQ(results.size(), 1u);
  EXPECT_NE(results[0].find("ttft_s"), nullptr);
  for (const char* name : {"tg_tok_s", "tpot_s", "gap_p50_s", "tg_roof_tok_s"})
    EXPECT_EQ(results[0].find(name), nullptr) << name;
  EXPECT_EQ(results[0].goal_share, 1);
}

TEST_F(ScenarioBenchTest, TheShareIsOfRequests) {
  EXPECT_EQ(measure({{"chat", "chat", 20, 3, 0, 1}}, 2, *read_goal("tg=1000000000"))[0].goal_share,
            0);
  EXPECT_EQ(measure({{"chat", "chat", 20, 3, 0, 1}}, 2, *read_goal("ttft=100s"))[0].goal_share, 1);
}

TEST(ScenarioBench, ACacheThatIsTooSmallIsAnError) {
  auto engine = engine::Engine::open(model::TinyModel{}.open(), {.threads = 1, .context = 128});
  ASSERT_TRUE(engine.ok());
  ScenarioBench bench(**engine);
  EXPECT_FALSE(bench.measure({{"depths", "d", 64, 3, 500, 1}}, {.fixed = 1}, {}, [](int) {}).ok());
}

}  // namespace
}  // namespace handmill::measure
