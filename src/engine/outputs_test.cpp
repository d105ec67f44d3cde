// Tokens from a few of a device's logits are those from all of them, whoever else is in the step;
// and a step that can do with a few reads nothing more.
#include "engine/outputs.h"

#include <limits>

#include "backend/vulkan/test_device.h"
#include "engine/test_engine.h"
#include "engine/test_gpu.h"

namespace handmill::engine {
namespace {

using model::TinyModel;

enum Kind { kGreedy, kDefaults, kWide, kNarrow, kKinds };

/// Decided by one, 40, 256 and 2 of the 300 logits.
Request few(Kind kind, uint32_t seed) {
  Request wanted;
  wanted.prompt = random_prompt(20 + seed, seed, 4);
  for (text::Token& token : wanted.prompt) token += 'A';
  wanted.max_tokens = 40;
  wanted.sampling.seed = seed;
  if (kind == kGreedy) wanted.sampling.temperature = 0;
  if (kind == kWide) wanted.sampling = {.temperature = 3, .top_k = 256, .top_p = 1, .seed = seed};
  if (kind == kNarrow) wanted.sampling.top_k = 2;
  return wanted;
}

/// The same token, though all of the logits are needed.
Request with_all(Request wanted) {
  wanted.logprobs = 0;
  return wanted;
}

std::vector<Request> each_kind(uint32_t seed) {
  std::vector<Request> requests;
  for (int kind = 0; kind < kKinds; ++kind)
    requests.push_back(few(static_cast<Kind>(kind), seed + static_cast<uint32_t>(kind)));
  return requests;
}

std::vector<Answer> answers(TestEngine& engine, const std::vector<Request>& requests) {
  std::vector<RequestId> ids;
  for (const Request& wanted : requests) ids.push_back(engine.submit(wanted));
  engine->drain();
  std::vector<Answer> all;
  for (const RequestId id : ids) all.push_back(engine.answer(id));
  return all;
}

void expect_same(const std::vector<Answer>& a, const std::vector<Answer>& b,
                 const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) engine::expect_same(a[i], b[i], what);
}

Options on_gpu(GpuScript& script, Speculate speculate = Speculate::kOff) {
  Options options{.threads = 2, .context = 2048, .speculate = speculate};
  options.gpu.device = kAutoGpu;
  options.gpu.find = test_gpu(script);
  return options;
}

std::vector<Answer> on_processor(const std::vector<Request>& requests) {
  GpuScript none;
  Options options = on_gpu(none);
  options.gpu.device = kNoGpu;
  TestEngine engine(TinyModel{}, options);
  return answers(engine, requests);
}

TEST(Outputs, AFewLogitsAreEnough) {
  GpuScript script;
  TestEngine engine(TinyModel{}, on_gpu(script));
  const auto requests = each_kind(1);
  expect_same(answers(engine, requests), on_processor(requests), "a few");
  EXPECT_EQ(script.largest_found, 40 * kKinds) << "a row for each token";
  EXPECT_EQ(script.reads, 0);
}

TEST(Outputs, BesideOneThatNeedsAllOfThemRowsAreRead) {
  GpuScript script;
  TestEngine engine(TinyModel{}, on_gpu(script));
  auto requests = each_kind(1);
  requests.push_back(request(random_prompt(30, 3), 20));  // penalties
  requests.push_back(with_all(few(kNarrow, 9)));
  requests.back().max_tokens = 30;
  const auto got = answers(engine, requests);
  expect_same(got, on_processor(requests), "mixed");
  EXPECT_EQ(got.back().logprobs.size(), 30u);
  EXPECT_GT(script.reads, 30 * kKinds);
  EXPECT_EQ(script.largest_found, 10 * kKinds) << "when the others had ended";
}

TEST(Outputs, WhatIsForeseenNeedsAFewToo) {
  const auto requests = each_kind(1);
  const auto wanted = on_processor(requests);
  for (const bool draft : {false, true}) {
    GpuScript script;
    Options options = on_gpu(script, Speculate::kAlways);
    if (draft) options.draft = TinyModel{.seed = 2}.open();
    TestEngine engine(TinyModel{}, options);
    expect_same(answers(engine, requests), wanted, draft ? "a draft model's" : "looked up");
    EXPECT_GT(engine->stats().accepted_tokens, 0u);
    EXPECT_GT(script.largest_found, 40 * kKinds);
    EXPECT_EQ(script.reads, 0);
  }
}

TEST(Outputs, OfASharedModelWhoseHeadIsOnTheDevice) {
  const auto requests = each_kind(1);
  std::vector<Answer> all[2];
  for (const bool finds : {false, true}) {
    GpuScript script;
    script.finds_largest = finds;
    Options options = on_gpu(script);
    options.gpu.figures = [](const GpuDevice&) {
      return GpuFigures{.cpu_bytes_s = 1e3, .device_bytes_s = 1e3, .submit_s = 1e-9};
    };
    TestEngine engine(TinyModel{.ffn_width = 512}, options);
    ASSERT_NE(engine->description().find("and the head"), std::string::npos);
    all[finds] = answers(engine, requests);
    EXPECT_EQ(script.largest_found, finds ? 40 * kKinds : 0);
  }
  expect_same(all[1], all[0], "shared");
}

TEST(Outputs, LogitsThatAreNoNumbersAreTheSameError) {
  TinyModel tiny;
  tiny.spoil = [](const std::string& name, std::vector<float>& values) {
    if (name == "token_embd.weight") values[64 * 7] = std::numeric_limits<float>::quiet_NaN();
  };
  tiny.types = {tensor::Type::kF32};
  GpuScript script;
  TestEngine engine(tiny, on_gpu(script));
  for (const Kind kind : {kGreedy, kDefaults}) {
    const Answer got = engine.ask(few(kind, 1));
    EXPECT_EQ(got.finish, Finish::kError);
    EXPECT_EQ(got.error, "the logit of token 7 is nan");
  }
  EXPECT_EQ(script.largest_found, 0);
}

// A file may have more rows than tokens: the largest are sought among those that can be sampled.
TEST(Outputs, OnlyTokensThatCanBeSampled) {
  GpuScript script;
  TestEngine engine(with_vocabulary(280), on_gpu(script));
  ASSERT_TRUE(engine.ok());
  for (const Answer& answer : answers(engine, each_kind(1)))
    for (const text::Token token : answer.tokens) EXPECT_LT(token, 280);
  EXPECT_EQ(script.largest_found, 40 * kKinds);
}

TEST(Outputs, OfAVulkanDevice) {
  if (backend::test::vulkan_backend() == nullptr) GTEST_SKIP();
  const auto requests = each_kind(1);
  std::vector<Request> all = requests;
  for (Request& one : all) one = with_all(one);
  for (const Speculate speculate : {Speculate::kOff, Speculate::kAlways}) {
    Options options{.threads = 2, .context = 2048, .speculate = speculate};
    options.gpu.device = kAutoGpu;
    options.gpu.find = [](const std::string&) -> Result<std::optional<GpuDevice>> {
      GpuDevice device;
      device.name = "vulkan";
      device.heap_bytes = device.budget_bytes = uint64_t{1} << 40;
      device.make = [](uint64_t, int) -> Result<std::unique_ptr<backend::Backend>> {
        return backend::test::vulkan_backend();
      };
      return std::optional(std::move(device));
    };
    TestEngine engine(TinyModel{}, options);
    expect_same(answers(engine, requests), answers(engine, all), "Vulkan");
  }
}

}  // namespace
}  // namespace handmill::engine
