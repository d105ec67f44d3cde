// Picks on known machines with the number that decided, and what must hold on any.
#include "measure/advise.h"

#include <gtest/gtest.h>

#include "backend/cpu/cpu.h"
#include "measure/machines.h"

namespace handmill::measure {
namespace {

using backend::KvType;

const Catalogue& built_in() {
  static const Catalogue kCatalogue = *parse_catalogue(built_in_catalogue());
  return kCatalogue;
}

Machine machine(std::string_view spec, double memory) {
  Machine machine = given_machine(spec)->machine;
  machine.memory_bytes = {memory, Source::kGiven};
  return machine;
}

Advice advice(std::string_view role, const Machine& machine, Terms terms = {},
              const Catalogue& catalogue = built_in()) {
  static const auto kBackend = std::move(*backend::make_cpu_backend(1));
  auto advice = advise(catalogue, *find_role(role), machine, terms, *kBackend);
  if (!advice.ok()) throw std::runtime_error(advice.error().message);
  return *std::move(advice);
}

std::string refused(const Advice& advice, std::string_view model) {
  for (const Refusal& refusal : advice.refusals)
    if (refusal.model->name == model) return refusal.why;
  return "is advised";
}

struct Golden {
  const char* machine;
  double memory;
  const char* role;
  const char* model;
  const char* quantization;
  KvType kv;
};
class AdviseGolden : public testing::TestWithParam<Golden> {};

TEST_P(AdviseGolden, Picks) {
  const Golden& golden = GetParam();
  const Advice told = advice(golden.role, machine(golden.machine, golden.memory));
  ASSERT_FALSE(told.choices.empty()) << golden.machine << ' ' << golden.role;
  const Choice& pick = told.choices[0];
  EXPECT_EQ(pick.model->name, golden.model) << golden.machine << ' ' << golden.role;
  EXPECT_EQ(pick.quantization, golden.quantization) << golden.machine << ' ' << golden.role;
  EXPECT_EQ(pick.kv, golden.kv) << golden.machine << ' ' << golden.role;
}

constexpr KvType kF16 = KvType::kF16, kQ8 = KvType::kQ8_0;
INSTANTIATE_TEST_SUITE_P(
    Machines, AdviseGolden,
    testing::Values(
        Golden{"4060Ti", 8e9, "quick", "qwen3:4b-instruct-2507", "q6_k", kF16},
        Golden{"4060Ti", 8e9, "chat-zh", "qwen3:8b", "q5_k_m", kQ8},
        Golden{"4060Ti", 8e9, "chat-en", "qwen3:8b", "q5_k_m", kQ8},
        Golden{"4060Ti", 8e9, "think", "deepseek-r1:8b-0528-qwen3", "q4_k_m", kQ8},
        Golden{"4060Ti", 8e9, "code", "qwen2.5-coder:7b-instruct", "q6_k", kF16},
        Golden{"4060Ti", 16e9, "chat-zh", "qwen3:14b", "q6_k", kF16},
        Golden{"4060Ti", 16e9, "chat-en", "qwen3:14b", "q6_k", kF16},
        Golden{"4060Ti", 16e9, "think", "deepseek-r1:8b-0528-qwen3", "q6_k", kF16},
        Golden{"4060Ti", 16e9, "code", "qwen2.5-coder:14b-instruct", "q6_k", kF16},
        Golden{"A10", 24e9, "quick", "qwen3:4b-instruct-2507", "q6_k", kF16},
        Golden{"A10", 24e9, "chat-zh", "qwen3:14b", "q6_k", kF16},
        Golden{"A10", 24e9, "code", "qwen2.5-coder:32b-instruct", "q4_k_m", kQ8},
        Golden{"780M-DDR5-5600", 32e9, "quick", "qwen3:1.7b", "q6_k", kF16},
        Golden{"780M-DDR5-5600", 32e9, "think", "deepseek-r1:8b-0528-qwen3", "q6_k", kF16},
        Golden{"780M-DDR5-5600", 32e9, "code", "qwen2.5-coder:7b-instruct", "q4_k_m", kF16},
        Golden{"780M-DDR5-8400", 32e9, "chat-zh", "qwen3:8b", "q6_k", kF16},
        Golden{"50GB/s,0.8TFLOPS", 8e9, "quick", "qwen3:0.6b", "q6_k", kF16},
        Golden{"50GB/s,0.8TFLOPS", 8e9, "chat-en", "qwen3:1.7b", "q6_k", kF16},
        Golden{"50GB/s,0.8TFLOPS", 8e9, "think", "deepseek-r1:8b-0528-qwen3", "q4_k_m", kQ8}));

TEST(AdviseTest, TheNumberThatDecidedIsSaid) {
  const Advice card = advice("chat-zh", machine("4060Ti", 8e9));
  EXPECT_EQ(card.choices[1].model->name, "qwen3:4b");
  EXPECT_NEAR(*card.choices[0].score, (77.9 + 83.8) / 2, 1e-9);
  EXPECT_EQ(refused(card, "qwen3:14b"),
            "needs 10.5 GB in q4_k_m with 8192 tokens, and 7.0 may be taken");
  EXPECT_EQ(refused(card, "deepseek-r1:7b-qwen-distill"),
            "thinks before every answer: see the role think");
  EXPECT_EQ(refused(card, "llama3.1:8b-instruct"), "has no Chinese");

  const Advice laptop = advice("chat-en", machine("780M-DDR5-5600", 32e9));
  const std::string slow = refused(laptop, "qwen3:14b");
  EXPECT_TRUE(slow.starts_with("writes ") && slow.ends_with(": below 10")) << slow;
  EXPECT_TRUE(refused(laptop, "phi4-mini:3.8b").starts_with("handmill does not run phi3 yet; in "))
      << refused(laptop, "phi4-mini:3.8b");

  const Advice old = advice("quick", machine("200GB/s,0.5TFLOPS", 16e9));
  const std::string late = refused(old, "qwen2.5:1.5b-instruct");
  EXPECT_TRUE(late.starts_with("reads 128 tokens in ") && late.ends_with(": above 0.7")) << late;

  const Advice patient = advice("think", machine("30GB/s,5TFLOPS", 32e9));
  const std::string long_thought = refused(patient, "deepseek-r1:32b-qwen-distill");
  EXPECT_TRUE(long_thought.ends_with(" minutes: above 30")) << long_thought;
}

TEST(AdviseTest, ALicenceComesFirst) {
  const Machine laptop = machine("780M-DDR5-5600", 32e9);
  const Advice any = advice("chat-zh", laptop);
  EXPECT_TRUE(std::ranges::any_of(
      any.choices, [](const Choice& c) { return c.model->name == "qwen2.5:3b-instruct"; }));
  const Advice commercial = advice("chat-zh", laptop, {.commercial_only = true});
  for (const Choice& choice : commercial.choices) EXPECT_TRUE(choice.model->licence.commercial);
  EXPECT_EQ(refused(commercial, "qwen2.5:3b-instruct"),
            "Qwen Research License forbids commercial use");
}

TEST(AdviseTest, WhatIsAdvisedHoldsAllThatWasAsked) {
  for (const Role& role : roles())
    for (const char* name : {"4060Ti", "780M-30", "50GB/s,0.8TFLOPS"}) {
      const Machine with = machine(name, 12e9);
      for (const Choice& c : advice(role.name, with).choices) {
        EXPECT_LE(static_cast<double>(c.memory()), usable_memory(12e9));
        EXPECT_GE(1 / c.decode.high(), role.tg_min);
        EXPECT_LE(c.prefill.high(), role.ttft_max_s);
        EXPECT_GE(c.file_bytes, 1u);
        EXPECT_GE(c.kv_bytes, 1u);
        EXPECT_GE(c.buffer_bytes, 1u);
        EXPECT_LE(c.quality(), c.score.value_or(0));
      }
    }
}

TEST(AdviseTest, WhereNothingFitsThereIsNoPick) {
  const Advice none = advice("quick", machine("10GB/s,0.1TFLOPS", 2e9));
  EXPECT_TRUE(none.choices.empty());
  EXPECT_EQ(none.refusals.size(), built_in().models.size());
  EXPECT_FALSE(built_in().online.empty());
}

TEST(AdviseTest, AMachineOfUnknownMemoryIsRefused) {
  static const auto kBackend = std::move(*backend::make_cpu_backend(1));
  const auto told = advise(built_in(), roles()[0], given_machine("4060Ti")->machine, {}, *kBackend);
  ASSERT_FALSE(told.ok());
  EXPECT_NE(told.error().message.find("memory"), std::string::npos);
}

TEST(AdviseTest, SmallModelsAreNotQuantizedBelowTheirFloor) {
  int small = 0;
  for (const Choice& c : advice("quick", machine("4060Ti", 4e9)).choices) {
    if (c.model->parameters.value >= 2.5e9) continue;
    EXPECT_GE(c.kept, 1 / 1.011) << c.model->name;
    ++small;
  }
  EXPECT_GT(small, 3);
}

double quality(std::string_view role, double bandwidth, double ops, double memory) {
  Machine made;
  made.read_bytes_s = {bandwidth, Source::kGiven};
  made.ops_s = {ops, Source::kGiven};
  made.memory_bytes = {memory, Source::kGiven};
  const Advice told = advice(role, made);
  return told.choices.empty() ? -1 : told.choices[0].quality();
}

TEST(AdviseTest, MoreOfAnythingNeverGivesAWorseModel) {
  constexpr double kBandwidths[] = {1e9, 30e9, 60e9, 110e9, 300e9, 900e9};
  constexpr double kOps[] = {1e10, 4e11, 2e12, 2e13};
  constexpr double kMemories[] = {2e9, 4e9, 6e9, 8e9, 11e9, 16e9, 24e9, 48e9};
  constexpr size_t kO = std::size(kOps), kM = std::size(kMemories);
  for (const Role& role : roles()) {
    std::vector<double> picks;  // memory turns fastest, bandwidth slowest
    for (const double bandwidth : kBandwidths)
      for (const double ops : kOps)
        for (const double memory : kMemories)
          picks.push_back(quality(role.name, bandwidth, ops, memory));
    for (size_t i = 0; i < picks.size(); ++i) {
      if (i % kM > 0) {
        EXPECT_GE(picks[i], picks[i - 1]) << role.name << i;
      }
      if (i / kM % kO > 0) {
        EXPECT_GE(picks[i], picks[i - kM]) << role.name << i;
      }
      if (i / kM / kO > 0) {
        EXPECT_GE(picks[i], picks[i - kM * kO]) << role.name << i;
      }
    }
    EXPECT_EQ(picks[0], -1) << role.name;
    EXPECT_GT(picks.back(), 70) << role.name;
  }
}

}  // namespace
}  // namespace handmill::measure
