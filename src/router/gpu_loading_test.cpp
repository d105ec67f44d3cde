// Models on a GPU of which not all find room there at once.
#include "engine/test_gpu.h"
#include "router/test_router.h"

namespace handmill::router {
namespace {

std::map<std::string, model::TinyModel> two() {
  return {{"a", TestRouter::tiny()}, {"b", TestRouter::tiny()}};
}

Options on_gpu(engine::GpuScript& script) {
  Options options = TestRouter::small();
  options.engine.gpu.device = engine::kAutoGpu;
  options.engine.gpu.find = engine::test_gpu(script);
  return options;
}

/// A budget that holds one of the tiny models, and not two.
uint64_t budget_of_one() {
  engine::GpuScript script;
  const auto gpu = engine::test_gpu(script)(engine::kAutoGpu);
  const auto needed = needs(*TestRouter::tiny().open(), TestRouter::small().engine, *gpu);
  constexpr uint64_t kReserve = 64 << 20;
  return needed->gpu->bytes * 3 / 2 + kReserve;
}

void ask(TestRouter& router, const std::string& name) {
  Answer answer;
  const auto ticket = router->submit(plain("x", 2, name), 0, answer.sink());
  EXPECT_TRUE(answer.wait());
  EXPECT_TRUE(answer.end.has_value()) << name;
  EXPECT_TRUE(eventually([&] { return router->idle(); }));
}

TEST(GpuLoading, BothStayWhereBothFit) {
  engine::GpuScript script;
  TestRouter router(two(), on_gpu(script));
  ask(router, "a");
  ask(router, "b");
  EXPECT_EQ(router.state("a"), State::kLoaded);
  EXPECT_EQ(script.alive, 2);
}

TEST(GpuLoading, AnIdleModelMakesRoom) {
  engine::GpuScript script;
  script.budget_bytes = budget_of_one();
  TestRouter router(two(), on_gpu(script));
  ask(router, "a");
  EXPECT_EQ(script.alive, 1);
  ask(router, "b");
  EXPECT_EQ(router.state("a"), State::kUnloaded);
  EXPECT_EQ(router.state("b"), State::kLoaded);
  EXPECT_EQ(script.made, 2);
  EXPECT_EQ(script.alive, 1);
}

TEST(GpuLoading, ABusyModelIsNotWaitedForTheProcessorComputesTheNext) {
  engine::GpuScript script;
  script.budget_bytes = budget_of_one();
  TestRouter router(two(), on_gpu(script));
  Answer busy;
  busy.gate.shut();
  const auto first = router->submit(plain("x", 200, "a"), 0, busy.sink());
  ASSERT_TRUE(busy.wait_started());
  Answer other;
  const auto second = router->submit(plain("x", 2, "b"), 0, other.sink());
  ASSERT_TRUE(other.wait());
  EXPECT_TRUE(other.end.has_value());
  EXPECT_EQ(script.made, 1);
  EXPECT_EQ(router.state("a"), State::kLoaded);
  busy.gate.open();
  ASSERT_TRUE(busy.wait());
  EXPECT_EQ(busy.end->usage.completion_tokens, 200);
}

TEST(GpuLoading, WhatTheGpuHoldsIsNotTheProcessors) {
  engine::GpuScript script;
  TestRouter on_cpu(two(), TestRouter::small());
  TestRouter router(two(), on_gpu(script));
  ask(on_cpu, "a");
  ask(router, "a");
  EXPECT_LT(router->find("a")->memory_bytes, on_cpu->find("a")->memory_bytes);
  Options wrong = on_gpu(script);
  wrong.engine.gpu.device = "other";
  wrong.models = {{"a", router.folder() / "a.gguf"}};
  EXPECT_FALSE(Router::make(wrong).ok()) << "a name that no GPU has is told at once";
}

}  // namespace
}  // namespace handmill::router
