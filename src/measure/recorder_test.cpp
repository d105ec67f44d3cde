#include "measure/recorder.h"

#include <gtest/gtest.h>

#include "base/temp_folder.h"
#include "measure/test_subject.h"

namespace handmill::measure {
namespace {

/// A quiet machine of four CPUs whose clock moves a second with every look.
class Load {
 public:
  probe::LoadReading read() {
    now_ += 1;
    return {now_, now_, probe::CpuTimes{4, now_, stolen_}, {}, {}};
  }
  void steal(double seconds) { stolen_ += seconds; }

 private:
  double now_ = 0, stolen_ = 0;
};

engine::Timings some_run() {
  engine::Timings t;
  t.prompt_tokens = 300;
  t.cached_tokens = 200;
  t.generated_tokens = 41;
  t.prefill_s = 2;
  t.decode_s = 20;
  return t;
}

class RecorderTest : public ::testing::Test {
 protected:
  std::unique_ptr<Recorder> make(const std::string& at) {
    return std::make_unique<Recorder>(
        Recorder::Options{at, "1.2.3", [this](const Error& error) { warnings.push_back(error); },
                          [this] { return load.read(); }});
  }
  RunVerdict run(const engine::Timings& timings, const std::string& model = "model") {
    const auto subject = std::make_shared<const Subject>(test_subject(model));
    const auto id = recorder->begin(subject, foreseen(timings.prompt_tokens));
    return recorder->end(id, took(timings));
  }
  std::vector<Entry> stored() {
    recorder.reset();
    const auto ledger = Ledger::open(path, Ledger::Access::kRead);
    EXPECT_TRUE(ledger.ok()) << ledger.error().message;
    if (!ledger.ok()) return {};
    return *(*ledger)->entries();
  }

  base::TempFolder folder;
  const std::string path = folder / "ledger.db";
  Load load;
  std::vector<Error> warnings;
  std::unique_ptr<Recorder> recorder = make(path);
};

TEST_F(RecorderTest, ARunIsStoredBesideItsPrediction) {
  const RunVerdict verdict = run(some_run());
  EXPECT_TRUE(verdict.prefill && verdict.decode);
  EXPECT_EQ(verdict.why_none, "");
  const auto entries = stored();
  ASSERT_EQ(entries.size(), 2u);
  const Forecast &decode = entries[0].forecast, &prefill = entries[1].forecast;
  EXPECT_EQ(decode.phase, Phase::kDecode);
  EXPECT_EQ(decode.tokens, 40);
  EXPECT_EQ(decode.depth, 319);
  EXPECT_NEAR(decode.seconds, 40 * (0.1 + 0.32 + 0.01), 1e-9);
  EXPECT_EQ(decode.told_s, decode.seconds);
  EXPECT_NEAR(decode.high_s, 1.1 * decode.seconds, 1e-9);
  EXPECT_EQ(entries[0].outcome, (Outcome{20, ""}));
  EXPECT_EQ(prefill.tokens, 100);
  EXPECT_EQ(prefill.depth, 200);
  EXPECT_EQ(entries[1].outcome.seconds, 2);
  EXPECT_EQ(entries[1].version, "1.2.3");
  EXPECT_TRUE(warnings.empty());
}

TEST_F(RecorderTest, ThePastCorrectsWhatIsTold) {
  for (int i = 0; i < 30; ++i) run(some_run());
  const auto entries = stored();
  const Forecast& last = entries[0].forecast;
  const double ratio = 20 / last.seconds;
  EXPECT_NEAR(last.told_s, last.seconds * ratio, 0.2 * last.seconds * std::abs(ratio - 1));
  recorder = make(path);  // another process
  run(some_run());
  EXPECT_NEAR(stored()[0].forecast.told_s, last.told_s, 0.02 * last.told_s);
}

TEST_F(RecorderTest, WhatSpoilsARunIsSaid) {
  const auto subject = std::make_shared<const Subject>(test_subject());
  const auto id = recorder->begin(subject, foreseen(300));
  load.steal(3);
  const RunVerdict verdict = recorder->end(id, took(some_run()));
  EXPECT_FALSE(verdict.prefill || verdict.decode);
  EXPECT_NE(verdict.why_none.find("went to other guests"), std::string::npos) << verdict.why_none;
  engine::Timings guessed = some_run(), shared = some_run();
  guessed.proposed_tokens = 20;
  guessed.accepted_tokens = 10;
  shared.shared = true;
  EXPECT_TRUE(run(guessed).decode);
  EXPECT_FALSE(run(shared).decode);
  for (int i = 0; i < 50; ++i) run(guessed);
  const auto entries = stored();
  EXPECT_NE(entries.back().outcome.left_out.find("other guests"), std::string::npos);
  EXPECT_EQ(entries[0].forecast.tokens, 30);  // steps
  EXPECT_EQ(entries[0].outcome.left_out, "tokens were guessed ahead");
  EXPECT_EQ(entries[0].forecast.told_s, entries[0].forecast.seconds);  // nothing was learned
  EXPECT_EQ(entries[1].outcome.left_out, "");                          // of the prefill
}

TEST_F(RecorderTest, RunsBesideEachOtherAreLeftOut) {
  const auto subject = std::make_shared<const Subject>(test_subject());
  const auto one = recorder->begin(subject, foreseen(300));
  const auto other = recorder->begin(subject, foreseen(300));
  EXPECT_FALSE(recorder->end(other, took(some_run())).decode);
  EXPECT_FALSE(recorder->end(one, took(some_run())).decode);
  EXPECT_TRUE(run(some_run()).decode);
  const auto entries = stored();
  ASSERT_EQ(entries.size(), 6u);
  EXPECT_EQ(entries[0].outcome.left_out, "");
  EXPECT_EQ(entries[5].outcome.left_out, "other requests were computed beside it");
}

TEST_F(RecorderTest, ShortRunsAreForgotten) {
  engine::Timings few = some_run(), quick = some_run(), cut = some_run();
  few.generated_tokens = kLeastDecode;
  few.cached_tokens = few.prompt_tokens - kLeastPrefill + 1;
  quick.prefill_s = quick.decode_s = kLeastS / 2;
  cut.generated_tokens = 0;
  cut.decode_s = 0;
  for (const engine::Timings& timings : {few, quick, cut}) {
    const RunVerdict verdict = run(timings);
    EXPECT_FALSE(verdict.prefill || verdict.decode);
    EXPECT_EQ(verdict.why_none, "");
  }
  EXPECT_TRUE(recorder->end(12345, took(some_run())).why_none.empty());  // it never began
  EXPECT_TRUE(stored().empty());
}

TEST_F(RecorderTest, WithoutALedgerTheVerdictIsThere) {
  recorder = make("");
  EXPECT_TRUE(run(some_run()).decode);
  recorder = nullptr;
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(RecorderTest, ADamagedLedgerIsWarnedOfOnce) {
  folder.file("ledger.db", std::string(5000, 'x'));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(run(some_run()).decode);
  recorder.reset();
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].message.find("damaged"), std::string::npos);
}

}  // namespace
}  // namespace handmill::measure
