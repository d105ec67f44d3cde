// Which tests a scenario is, for long and short contexts.
#include "measure/scenario.h"

#include <gtest/gtest.h>

namespace handmill::measure {
namespace {

std::vector<std::string> names_of(const std::vector<std::string>& kinds, int context) {
  std::vector<std::string> names;
  const auto scenarios = make_scenarios(kinds, context);
  EXPECT_TRUE(scenarios.ok());
  for (const Scenario& scenario : *scenarios)
    for (const BenchTest& test : scenario) {
      EXPECT_LE(test.depth + test.prompt + test.answer, context) << test.name;
      names.push_back(test.name);
    }
  return names;
}

using Names = std::vector<std::string>;

TEST(Scenario, GoesAsFarAsTheContext) {
  EXPECT_EQ(names_of({"document"}, 8320),
            (Names{"document 2048", "document 4096", "document 8192"}));
  EXPECT_EQ(names_of({"document"}, 1 << 20).size(), 3u);
  EXPECT_EQ(names_of({"document"}, 8192),
            (Names{"document 2048", "document 4096", "document 8064"}));
  EXPECT_EQ(names_of({"document"}, 2200), (Names{"document 2048"}));
  EXPECT_EQ(names_of({"document"}, 1024), (Names{"document 896"}));
  EXPECT_EQ(names_of({"depths"}, 2200),
            (Names{"depth 0", "depth 512", "depth 1024", "depth 2048"}));
  EXPECT_EQ(names_of({"depths"}, 200), (Names{"depth 0", "depth 104"}));
  EXPECT_EQ(names_of({"turns"}, 600), (Names{"turn 1", "turn 2", "turn 3"}));
  EXPECT_EQ(names_of({"chat", "batches"}, 256),
            (Names{"chat", "batch 1", "batch 2", "batch 4", "batch 8"}));
}

TEST(Scenario, ATurnBeginsWhereTheFormerEnded) {
  const auto scenarios = make_scenarios({"turns"}, 4096);
  ASSERT_EQ(scenarios->size(), 1u);
  const Scenario& talk = scenarios->front();
  ASSERT_EQ(talk.size(), 4u);
  for (size_t i = 1; i < talk.size(); ++i)
    EXPECT_EQ(talk[i].depth, talk[i - 1].depth + talk[i - 1].prompt + talk[i - 1].answer);
}

TEST(Scenario, WhatCannotBeIsAnError) {
  EXPECT_EQ(make_scenarios({"chit"}, 4096).error().message,
            "\"chit\" is no scenario; there are chat, document, turns, depths, batches");
  EXPECT_EQ(make_scenarios({"chat", "chat"}, 4096).error().message, "\"chat\" is named twice");
  EXPECT_EQ(make_scenarios({"turns"}, 200).error().message,
            "a context of 200 tokens is too short for the scenario turns");
  for (const ScenarioKind& kind : scenario_kinds()) {
    EXPECT_TRUE(make_scenarios({std::string(kind.name)}, 8320).ok()) << kind.name;
    EXPECT_FALSE(make_scenarios({std::string(kind.name)}, 90).ok()) << kind.name;
  }
}

}  // namespace
}  // namespace handmill::measure
