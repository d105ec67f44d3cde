// An engine on a device: where its layers are, and what happens where the device's memory or the
// device itself ends.
#include "engine/gpu.h"

#include <cstdlib>
#include <gtest/gtest.h>

#include "engine/gpu_needs.h"
#include "engine/test_engine.h"
#include "engine/test_gpu.h"

namespace handmill::engine {
namespace {

constexpr int kContext = 512;

Options on_gpu(GpuScript& script, const char* name = kAutoGpu) {
  Options options{.threads = 2, .context = kContext, .prefill_chunk = 64};
  options.gpu.device = name;
  options.gpu.find = test_gpu(script);
  return options;
}

Answer answer_of(TestEngine& engine, uint32_t seed = 1) {
  return engine.ask(request(random_prompt(70, seed), 12));
}

Answer cpu_answer(const model::TinyModel& tiny, uint32_t seed = 1) {
  GpuScript none;
  TestEngine engine(tiny, on_gpu(none, kNoGpu));
  EXPECT_EQ(none.made, 0);
  return answer_of(engine, seed);
}

/// A budget for so many of its layers, and none more.
uint64_t budget_for(const model::TinyModel& tiny, int layers, const Options& options) {
  const auto file = tiny.open();
  const auto needs = gpu_needs(*file, *model::read_config(*file), options, kContext);
  EXPECT_TRUE(needs.ok());
  GpuRoom room;
  room.budget_bytes = uint64_t{1} << 40;
  const auto plan = plan_gpu(*needs, room, {.layers = layers});
  EXPECT_TRUE(plan.ok());
  constexpr uint64_t kReserve = 64 << 20;
  return plan->chosen.bytes.total() + kReserve;
}

TEST(Gpu, AModelThatFitsIsOnTheDeviceAlone) {
  GpuScript script;
  const model::TinyModel tiny;
  TestEngine engine(tiny, on_gpu(script));
  EXPECT_EQ(engine->description(), "test device");
  expect_same(answer_of(engine), cpu_answer(tiny), "on the device");
  EXPECT_GT(script.operations, 0);
}

TEST(Gpu, WhatDoesNotFitIsTheProcessors) {
  const model::TinyModel tiny;
  for (const int layers : {1, 2, 3}) {
    GpuScript script;
    script.budget_bytes = budget_for(tiny, layers, on_gpu(script));
    TestEngine engine(tiny, on_gpu(script));
    ASSERT_TRUE(engine.ok());
    const std::string said = engine->description();
    EXPECT_NE(said.find(fmt::format("test device for {} of 3 layers", layers)), std::string::npos)
        << said;
    expect_same(answer_of(engine), cpu_answer(tiny), said);
    EXPECT_GT(script.operations, 0);
  }
  GpuScript script;
  script.budget_bytes = budget_for(tiny, 1, on_gpu(script)) - 1;
  TestEngine engine(tiny, on_gpu(script));
  EXPECT_EQ(script.made, 0);
  expect_same(answer_of(engine), cpu_answer(tiny), "none of it fits");
}

TEST(Gpu, LayersOfWhichTheProcessorHasAPart) {
  model::TinyModel tiny;
  tiny.ffn_width = 512;
  GpuScript script;
  Options options = on_gpu(script);
  options.gpu.figures = [](const GpuDevice& device) {
    EXPECT_EQ(device.name, "test device");
    return GpuFigures{.cpu_bytes_s = 1e3, .device_bytes_s = 1e3, .submit_s = 1e-9};
  };
  TestEngine engine(tiny, options);
  EXPECT_NE(engine->description().find("3 of 3 layers, 3 of them shared, and the head"),
            std::string::npos)
      << engine->description();
  EXPECT_EQ(answer_of(engine).tokens.size(), 12u);
}

TEST(Gpu, SoManyLayersAsAreAskedFor) {
  const model::TinyModel tiny;
  for (const int layers : {0, 1, 3, 4}) {
    GpuScript script;
    Options options = on_gpu(script);
    options.gpu.layers = layers;
    TestEngine engine(tiny, options);
    const std::string said = engine->description();
    EXPECT_EQ(script.made, layers > 0 ? 1 : 0) << said;
    EXPECT_EQ(said == "test device", layers == 4) << "the head too: " << said;
    EXPECT_EQ(said.find("1 of 3 layers") != std::string::npos, layers == 1) << said;
  }
  GpuScript script;
  Options options = on_gpu(script);
  script.budget_bytes = budget_for(tiny, 2, options);
  options.gpu.layers = 3;
  const auto refused = Engine::open(tiny.open(), options);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kLimit);
  EXPECT_NE(refused.error().message.find("What would fit: 2 layers"), std::string::npos)
      << refused.error().message;
  options.gpu.layers = -2;
  EXPECT_FALSE(Engine::open(tiny.open(), options).ok());
}

TEST(Gpu, ADeviceThatIsNotThere) {
  const model::TinyModel tiny;
  GpuScript script;
  const auto missing = Engine::open(tiny.open(), on_gpu(script, "other"));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  Options options = on_gpu(script);
  options.gpu.find = [](const std::string&) -> Result<std::optional<GpuDevice>> {
    return std::optional<GpuDevice>();
  };
  EXPECT_TRUE(Engine::open(tiny.open(), options).ok()) << "auto, where there is none";
  options.gpu.find = [](const std::string&) -> Result<std::optional<GpuDevice>> {
    return base::io("the driver failed");
  };
  EXPECT_TRUE(Engine::open(tiny.open(), options).ok()) << "auto, with a driver that fails";
  options.gpu.device = "test device";
  EXPECT_FALSE(Engine::open(tiny.open(), options).ok());
  EXPECT_EQ(script.made, 0);
}

TEST(Gpu, OutOfMemoryAsksForLess) {
  const model::TinyModel tiny;
  const Answer wanted = cpu_answer(tiny);
  GpuScript all;
  {
    TestEngine engine(tiny, on_gpu(all));
  }
  ASSERT_GT(all.allocations, 20);
  bool some = false;
  for (int most = 0; most <= all.allocations; most += 3) {
    GpuScript script;
    script.allocations_max = most;
    for (const int layers : {-1, 3}) {
      script.made = 0;
      Options options = on_gpu(script);
      options.gpu.layers = layers;
      TestEngine engine(tiny, options);
      ASSERT_TRUE(engine.ok()) << most;
      const std::string said = engine->description();
      EXPECT_LE(script.alive, 1) << "of " << script.made << " devices";
      EXPECT_EQ(script.alive, said.find("test device") == std::string::npos ? 0 : 1) << said;
      EXPECT_EQ(script.made > 1 || script.alive == 0, script.allocations > most || script.made > 1)
          << said;
      some |= said.find("for 1 of 3") != std::string::npos;
      expect_same(answer_of(engine), wanted, said);
    }
    EXPECT_EQ(script.alive, 0);
  }
  EXPECT_TRUE(some) << "there is something between all and nothing";
}

TEST(Gpu, ALostDeviceEndsItsRequestsAndTheOthersGoOn) {
  const model::TinyModel tiny;
  const Answer second = cpu_answer(tiny, 2), third = cpu_answer(tiny, 3);
  for (const int after : {0, 5, 30, 60, 100, 200}) {
    for (const int layers : {2, 99}) {
      GpuScript script;
      script.operations_max = after;
      Options options = on_gpu(script);
      options.max_sequences = 1;
      options.gpu.layers = layers;
      TestEngine engine(tiny, options);
      const RequestId lost = engine.submit(request(random_prompt(70, 1), 100));
      const RequestId waits = engine.submit(request(random_prompt(70, 2), 12));
      engine->drain();
      EXPECT_EQ(engine.answer(lost).finish, Finish::kError);
      EXPECT_EQ(engine.answer(lost).error, "the GPU \"test device\" was lost: it was pulled out");
      expect_same(engine.answer(waits), second, "it waited");
      expect_same(answer_of(engine, 3), third, "it came later");
      EXPECT_EQ(script.alive, 0);
      EXPECT_EQ(engine->description().find("test device"), std::string::npos);
      EXPECT_EQ(engine->context(), kContext);
      EXPECT_EQ(engine->stats().kv_free, engine->stats().kv_blocks);
    }
  }
}

TEST(Gpu, WhatALostDeviceSaidIsNotTold) {
  const model::TinyModel tiny;
  const Answer whole = cpu_answer(tiny);
  for (int after = 40; after < 200; after += 3) {
    GpuScript script;
    script.operations_max = after;
    Options options = on_gpu(script);
    options.speculate = Speculate::kAlways;
    TestEngine engine(tiny, options);
    const Answer told = answer_of(engine);
    if (!script.lost()) continue;
    EXPECT_EQ(told.finish, Finish::kError) << after;
    EXPECT_NE(told.error.find("was lost"), std::string::npos) << told.error;
    ASSERT_LE(told.tokens.size(), whole.tokens.size());
    for (size_t i = 0; i < told.tokens.size(); ++i)
      EXPECT_EQ(told.tokens[i], whole.tokens[i]) << "lost after " << after << " operations";
  }
}

TEST(Gpu, NothingIsFoundOfWhatALostDeviceHeld) {
  const model::TinyModel tiny;
  GpuScript script;
  TestEngine engine(tiny, on_gpu(script));
  const auto prompt = random_prompt(200, 5);
  ASSERT_EQ(engine.ask(request(prompt, 4)).finish, Finish::kLength);
  script.operations_max = script.operations.load();
  EXPECT_EQ(engine.ask(request(prompt, 4)).finish, Finish::kError);
  const Answer after = engine.ask(request(prompt, 4));
  EXPECT_EQ(after.finish, Finish::kLength);
  EXPECT_EQ(after.timings.cached_tokens, 0);
}

TEST(Gpu, EmbeddingsAndScoresEndToo) {
  const model::TinyModel tiny;
  GpuScript script;
  script.operations_max = 10;
  TestEngine engine(tiny, on_gpu(script));
  const RequestId id = engine.submit(EmbedRequest{.tokens = random_prompt(30, 1)});
  engine->drain();
  EXPECT_EQ(engine.vector(id).finish, Finish::kError);
  EXPECT_NE(engine.vector(id).error.find("was lost"), std::string::npos);
  EXPECT_TRUE(engine.vector(id).vector.empty());
  GpuScript scored;
  scored.operations_max = 10;
  TestEngine scores(tiny, on_gpu(scored));
  const auto tokens = random_prompt(30, 2);
  const auto ignore = [](size_t, std::span<const float>) {};
  EXPECT_FALSE(scores->score(tokens, ignore).ok());
  EXPECT_TRUE(scores->score(tokens, ignore).ok()) << "on the processor";
}

TEST(Gpu, ADraftModelIsWhereItsNumbersAre) {
  model::TinyModel tiny, small;
  small.layers = 2;
  const Answer wanted = cpu_answer(tiny), second = cpu_answer(tiny, 2);
  for (const int layers : {1, 3, 4}) {
    GpuScript script;
    Options options = on_gpu(script);
    options.gpu.layers = layers;
    options.draft = small.open();
    options.speculate = Speculate::kAlways;
    options.max_sequences = 1;
    TestEngine engine(tiny, options);
    ASSERT_TRUE(engine.ok());
    const Answer told = answer_of(engine);
    expect_same(told, wanted, engine->description());
    EXPECT_GT(told.timings.proposed_tokens, 0);
    script.operations_max = script.operations + 70;
    const RequestId lost = engine.submit(request(random_prompt(70, 3), 100));
    const RequestId waits = engine.submit(request(random_prompt(70, 2), 12));
    engine->drain();
    EXPECT_EQ(engine.answer(lost).finish, Finish::kError) << layers;
    expect_same(engine.answer(waits), second, "with a draft on the processor");
  }
}

TEST(Gpu, WhereTheProcessorCannotGoOnEverythingEnds) {
  const model::TinyModel tiny;
  GpuScript script;
  script.operations_max = 30;
  Options options = on_gpu(script);
  options.max_sequences = 1;
  TestEngine engine(tiny, options);
  const RequestId lost = engine.submit(request(random_prompt(70, 1), 20));
  const RequestId waits = engine.submit(request(random_prompt(70, 2), 20));
  const char* before = std::getenv("HANDMILL_CPU");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("HANDMILL_CPU", "none", 1);
  engine->drain();
  before == nullptr ? ::unsetenv("HANDMILL_CPU") : ::setenv("HANDMILL_CPU", kept.c_str(), 1);
  EXPECT_EQ(engine.answer(lost).finish, Finish::kError);
  EXPECT_EQ(engine.answer(waits).finish, Finish::kError);
  EXPECT_NE(engine.answer(waits).error.find("HANDMILL_CPU"), std::string::npos)
      << engine.answer(waits).error;
  EXPECT_FALSE(engine->submit(request(random_prompt(5, 1), 2), {}).ok());
  EXPECT_FALSE(engine->measure_roofs().ok());
  EXPECT_NE(engine->description().find("was lost"), std::string::npos);
  EXPECT_EQ(engine->width(), 64);
  EXPECT_FALSE(engine->step());
}

}  // namespace
}  // namespace handmill::engine
