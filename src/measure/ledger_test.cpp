#include "measure/ledger.h"

#include <gtest/gtest.h>
#include <thread>

#include "base/temp_folder.h"

namespace handmill::measure {
namespace {

using Access = Ledger::Access;

Forecast some(Phase phase = Phase::kDecode, std::string model = "a") {
  Forecast f;
  f.machine = "CPU, 2 threads";
  f.engine = "avx2, 2 threads";
  f.calibration = "c0";
  f.model = {model, "digest of " + model, 1000};
  f.kv = "q8_0";
  f.threads = 2;
  f.phase = phase;
  f.tokens = 1;
  f.depth = 7;
  f.basis = Basis::kRoof;
  f.seconds = 0.1;
  f.memory_s = 0.06;
  f.ops_s = 0.03;
  f.layers_s = 0.01;
  f.told_s = 0.11;
  f.low_s = 0.10;
  f.high_s = 0.12;
  return f;
}

class LedgerTest : public ::testing::Test {
 protected:
  std::unique_ptr<Ledger> open(Access access = Access::kWrite, int wait_ms = 2000) {
    auto ledger = Ledger::open(path, access, wait_ms);
    EXPECT_TRUE(ledger.ok()) << ledger.error().message;
    return ledger.ok() ? std::move(*ledger) : nullptr;
  }
  static void add(Ledger& ledger, const Forecast& f, double seconds, std::string left_out = "") {
    const auto row = ledger.predicted(f, "1.2.3");
    ASSERT_TRUE(row.ok()) << row.error().message;
    const Status status = ledger.measured(*row, f, {seconds, std::move(left_out)});
    ASSERT_TRUE(status.ok()) << status.error().message;
  }

  base::TempFolder folder;
  const std::string path = folder / "ledger.db";
};

TEST_F(LedgerTest, KeepsWhatWasPredictedAndWhatCameOfIt) {
  {
    const auto ledger = open();
    Forecast before = some();
    const auto row = ledger->predicted(before, "1.2.3");
    ASSERT_TRUE(row.ok());
    EXPECT_TRUE(ledger->entries()->empty());  // it has not run yet
    Forecast ran = before;
    ran.tokens = 40;
    ran.depth = 27;
    ran.seconds = 4;
    ran.told_s = 4.4;
    ASSERT_TRUE(ledger->measured(*row, ran, {4.2, "a batch of 2"}).ok());
    add(*ledger, some(Phase::kPrefill, "b'; DROP TABLE runs; --"), 0.2);
  }
  const auto entries = open(Access::kRead)->entries();
  ASSERT_EQ(entries->size(), 2u);
  EXPECT_EQ((*entries)[0].forecast, some(Phase::kPrefill, "b'; DROP TABLE runs; --"));
  Forecast ran = some();
  ran.tokens = 40;
  ran.depth = 27;
  ran.seconds = 4;
  ran.told_s = 4.4;
  EXPECT_EQ((*entries)[1].forecast, ran);
  EXPECT_EQ((*entries)[1].outcome, (Outcome{4.2, "a batch of 2"}));
  EXPECT_EQ((*entries)[1].version, "1.2.3");
  EXPECT_GT((*entries)[1].made_s, 1'700'000'000);
}

TEST_F(LedgerTest, MachinesAndFiguresAreApart) {
  const auto ledger = open();
  Forecast other = some();
  add(*ledger, other, 0.1);
  other.calibration = "c1";
  add(*ledger, other, 0.2);
  other.machine = "another";
  add(*ledger, other, 0.3);
  const auto found = ledger->entries("CPU, 2 threads", "avx2, 2 threads", "c1");
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ((*found)[0].outcome.seconds, 0.2);
  EXPECT_EQ(ledger->entries()->size(), 3u);
}

TEST_F(LedgerTest, ForgetsWhatNeverRan) {
  const auto ledger = open();
  const auto row = ledger->predicted(some(), "1");
  ASSERT_TRUE(ledger->forget(*row).ok());
  ASSERT_TRUE(ledger->measured(*row, some(), {1, ""}).ok());
  EXPECT_TRUE(ledger->entries()->empty());
}

TEST_F(LedgerTest, OfEachKindTheNewestAreKept) {
  const auto ledger = open();
  add(*ledger, some(Phase::kPrefill), 5);
  for (int i = 1; i <= Ledger::kKindMax + 30; ++i) add(*ledger, some(), i);
  const auto entries = *ledger->entries();
  ASSERT_EQ(entries.size(), static_cast<size_t>(Ledger::kKindMax) + 1);
  EXPECT_EQ(entries.front().outcome.seconds, Ledger::kKindMax + 30);
  EXPECT_EQ(entries[Ledger::kKindMax - 1].outcome.seconds, 31);
  EXPECT_EQ(entries.back().outcome.seconds, 5);  // of another kind
}

TEST_F(LedgerTest, LongTextIsCut) {
  const auto ledger = open();
  add(*ledger, some(Phase::kDecode, std::string(100'000, 'x')), 1);
  EXPECT_EQ((*ledger->entries())[0].forecast.model.name.size(), 256u);
}

TEST_F(LedgerTest, ManyWriteAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([this] {
      const auto ledger = open(Access::kWrite, 60'000);
      for (int run = 0; run < 10; ++run) add(*ledger, some(), 1);
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(open()->entries()->size(), 40u);
}

TEST_F(LedgerTest, ALockedFileIsAnErrorAndNoMore) {
  const auto ledger = open(Access::kWrite, 1);
  auto other = *Database::open(path, Database::Access::kWrite, 1);
  {
    Transaction transaction(*other);
    ASSERT_TRUE(transaction.begin().ok());
    const auto row = ledger->predicted(some(), "1");
    ASSERT_FALSE(row.ok());
    EXPECT_EQ(row.error().code, Code::kIo);
    EXPECT_NE(row.error().message.find("locked"), std::string::npos) << row.error().message;
  }
  EXPECT_TRUE(ledger->predicted(some(), "1").ok());
}

TEST_F(LedgerTest, ADamagedFileIsNamed) {
  folder.file("ledger.db", std::string(5000, 'x'));
  for (const Access access : {Access::kRead, Access::kWrite}) {
    const auto ledger = Ledger::open(path, access);
    ASSERT_FALSE(ledger.ok());
    EXPECT_EQ(ledger.error().code, Code::kInvalid);
    EXPECT_NE(ledger.error().message.find(path + ": damaged"), std::string::npos);
  }
}

TEST_F(LedgerTest, DamageInsideIsAnError) {
  {
    const auto ledger = open();
    for (int i = 0; i < 100; ++i) add(*ledger, some(), 1);
  }
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);
  file << std::string(20'000, '\xff');
  file.close();
  const auto ledger = Ledger::open(path, Access::kRead);
  ASSERT_TRUE(ledger.ok());
  const auto entries = (*ledger)->entries();
  ASSERT_FALSE(entries.ok());
  EXPECT_EQ(entries.error().code, Code::kInvalid) << entries.error().message;
}

TEST_F(LedgerTest, RowsThatNoRunWroteArePassedOver) {
  {
    const auto ledger = open();
    add(*ledger, some(), 1);
    add(*ledger, some(), 2);
  }
  auto database = *Database::open(path, Database::Access::kWrite, 1);
  ASSERT_TRUE(database->run("UPDATE runs SET seconds = -1 WHERE measured_s = 1").ok());
  EXPECT_EQ(open()->entries()->size(), 1u);
}

TEST_F(LedgerTest, AFileOfANewerProgramIsLeftAlone) {
  open();
  {
    auto database = *Database::open(path, Database::Access::kWrite, 1);
    ASSERT_TRUE(database->run("PRAGMA user_version = 99").ok());
  }
  for (const Access access : {Access::kRead, Access::kWrite}) {
    const auto ledger = Ledger::open(path, access);
    ASSERT_FALSE(ledger.ok());
    EXPECT_EQ(ledger.error().code, Code::kUnsupported);
    EXPECT_NE(ledger.error().message.find("form 99"), std::string::npos);
  }
}

TEST_F(LedgerTest, WhereThereIsNoneItIsNotFound) {
  EXPECT_EQ(Ledger::open(path, Access::kRead).error().code, Code::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(Ledger::open(folder / "no/ledger.db", Access::kWrite).error().code, Code::kIo);
}

TEST(CalibrationTest, FollowsTheFigures) {
  Machine machine;
  machine.name = "one";
  machine.read_bytes_s = {1e9, Source::kMeasured};
  machine.ops_s = {1e10, Source::kMeasured};
  const std::string before = calibration(machine);
  EXPECT_EQ(before.size(), 16u);
  EXPECT_EQ(before, calibration(machine));
  machine.read_bytes_s.value += 1;
  EXPECT_NE(before, calibration(machine));
}

}  // namespace
}  // namespace handmill::measure
