// The same bits whatever the threads, the chunks of the prefill, the company in the batch, and the
// blocks that hold the cache. Run at whatever level HANDMILL_CPU names.
#include <cstring>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

#include "backend/cpu/cpu.h"
#include "model/test_runner.h"
#include "model/tiny_model.h"

namespace handmill::model {
namespace {

using backend::kKvBlock;
using backend::KvType;
using test::Part;
using test::random_tokens;
using test::Rows;
using test::Runner;
using test::Tokens;

struct Case {
  const char* architecture;
  KvType kv;
  bool floats = false;  // matrices of f32, f16 and bf16 among the quantized ones
};

Runner make_runner(const TinyModel& tiny, int threads, KvType kv) {
  return {tiny.open(), std::move(*backend::make_cpu_backend(threads)), kv, 512, 64};
}

/// A table of blocks in no particular order, `first` … of the store.
Tokens table_of(int first, size_t positions, uint32_t seed = 7) {
  Tokens blocks((positions + kKvBlock - 1) / kKvBlock);
  std::iota(blocks.begin(), blocks.end(), first);
  std::shuffle(blocks.begin(), blocks.end(), std::mt19937(seed));
  return blocks;
}

::testing::AssertionResult same_bits(const Rows& a, const Rows& b) {
  if (a.size() != b.size()) return ::testing::AssertionFailure() << a.size() << " and " << b.size();
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < a[i].size(); ++j)
      if (std::memcmp(&a[i][j], &b[i][j], sizeof(float)) != 0)
        return ::testing::AssertionFailure()
               << "row " << i << ", token " << j << ": " << a[i][j] << " and " << b[i][j];
  return ::testing::AssertionSuccess();
}

TinyModel tiny_for(const Case& c) {
  TinyModel tiny{.architecture = c.architecture};
  if (c.floats)
    tiny.types = {tensor::Type::kF16, tensor::Type::kQ8_0, tensor::Type::kF32, tensor::Type::kBF16,
                  tensor::Type::kQ4_0};
  return tiny;
}

class Invariance : public testing::TestWithParam<Case> {};

TEST_P(Invariance, ThreadsAndChunks) {
  const TinyModel tiny = tiny_for(GetParam());
  const Tokens tokens = random_tokens(530, 3);
  Rows expected;
  for (int threads : {1, 2, 3}) {
    Runner runner = make_runner(tiny, threads, GetParam().kv);
    if (HasFailure()) return;
    for (size_t chunk : {512u, 64u, 7u, 1u}) {
      // Rows depend on what precedes them alone, so small chunks need only the text's beginning.
      const Tokens text(tokens.begin(), chunk < 64 ? tokens.begin() + 140 : tokens.end());
      const Rows rows = runner.run(text, chunk, table_of(0, tokens.size()));
      if (expected.empty()) {
        expected = rows;
        float largest = 0;
        for (float logit : rows.back()) largest = std::max(largest, std::abs(logit));
        EXPECT_GT(largest, 0.1f) << "logits that say something";
        EXPECT_NE(rows[100], rows[101]);
      }
      ASSERT_TRUE(same_bits(
          Rows(expected.begin(), expected.begin() + static_cast<ptrdiff_t>(text.size())), rows))
          << threads << " threads, chunks of " << chunk;
    }
  }
}

TEST_P(Invariance, AloneAndAmongSixteen) {
  Runner runner = make_runner(tiny_for(GetParam()), 2, GetParam().kv);
  if (HasFailure()) return;
  constexpr int kSequences = 16;
  constexpr size_t kLength = 100;
  std::vector<Tokens> texts, tables;
  for (int i = 0; i < kSequences; ++i) {
    texts.push_back(random_tokens(kLength, static_cast<uint32_t>(i)));
    tables.push_back(table_of(2 * i, kLength, static_cast<uint32_t>(i)));
  }
  std::vector<Rows> together(kSequences);
  std::vector<size_t> done(kSequences, 0);
  std::mt19937 random(5);
  while (true) {  // each step some tokens of some sequences, decode and prefill mixed
    std::vector<Part> parts;
    std::vector<int> who;
    for (int i = 0; i < kSequences; ++i) {
      const size_t most = random() % 3 == 0 ? 20 : 1;
      const size_t count = std::min(kLength - done[i], most);
      if (count == 0) continue;
      parts.push_back(
          {std::span(texts[i]).subspan(done[i], count), static_cast<int>(done[i]), tables[i]});
      who.push_back(i);
    }
    if (parts.empty()) break;
    Rows rows = runner.run(parts);
    size_t row = 0;
    for (size_t p = 0; p < parts.size(); ++p) {
      for (size_t i = 0; i < parts[p].tokens.size(); ++i)
        together[who[p]].push_back(std::move(rows[row++]));
      done[who[p]] += parts[p].tokens.size();
    }
  }
  for (int i = 0; i < kSequences; ++i)
    ASSERT_TRUE(same_bits(together[i], runner.run(texts[i], 512, tables[i]))) << "sequence " << i;
}

TEST_P(Invariance, APrefixThatAnotherComputed) {
  Runner runner = make_runner(tiny_for(GetParam()), 2, GetParam().kv);
  if (HasFailure()) return;
  Tokens first = random_tokens(200, 11);
  Tokens second = first;
  for (size_t i = 128; i < second.size(); ++i) second[i] = (second[i] + 1) % 300;
  const Tokens cold_table = table_of(20, 200);
  const Rows cold = runner.run(second, 512, cold_table);
  const Tokens table = table_of(0, 200);
  runner.run(first, 7, table);
  Tokens shared = {table[0], table[1], 40, 41};  // two full blocks of the first text's
  const Rows hot = runner.run(second, 64, shared, 128);
  ASSERT_TRUE(same_bits(Rows(cold.begin() + 128, cold.end()), hot));
}

constexpr Case kCases[] = {
    {"llama", KvType::kF16},       {"qwen2", KvType::kF16},         {"qwen3", KvType::kF16},
    {"gemma3", KvType::kF16},      {"llama", KvType::kQ8_0},        {"gemma3", KvType::kQ8_0},
    {"llama", KvType::kF16, true}, {"gemma3", KvType::kQ8_0, true},
};
INSTANTIATE_TEST_SUITE_P(Each, Invariance, testing::ValuesIn(kCases), [](const auto& test) {
  return std::string(test.param.architecture) + (test.param.kv == KvType::kF16 ? "_f16" : "_q8_0") +
         (test.param.floats ? "_floats" : "");
});

// What must change the logits does: a test that these parts of the arithmetic are there at all.
TEST(Model, EveryPartCounts) {
  const Tokens tokens = random_tokens(60, 1);
  auto logits = [&](const TinyModel& tiny) {
    Runner runner = make_runner(tiny, 1, KvType::kF16);
    return runner.run(tokens, 512, table_of(0, tokens.size()));
  };
  const TinyModel gemma{.architecture = "gemma3"};
  TinyModel wider = gemma;
  wider.window = 60;  // nothing is hidden
  const Rows narrow = logits(gemma), wide = logits(wider);
  EXPECT_TRUE(
      same_bits(Rows(narrow.begin(), narrow.begin() + 40), Rows(wide.begin(), wide.begin() + 40)));
  EXPECT_FALSE(same_bits({narrow[40]}, {wide[40]})) << "position 40 does not see position 0";
  TinyModel biased;
  for (const char* part : {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_down"}) {
    biased.biases = {std::string("blk.1.") + part + ".bias"};
    EXPECT_FALSE(same_bits(logits(biased), logits(TinyModel{}))) << part;
  }
}

}  // namespace
}  // namespace handmill::model
