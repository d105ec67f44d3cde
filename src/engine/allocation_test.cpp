// A steady decode step allocates nothing.
#include "base/count_allocations.h"
#include "engine/test_engine.h"

#if HANDMILL_COUNTS_ALLOCATIONS
namespace handmill::engine {
namespace {

using base::allocations;

TEST(Allocation, TheCounterCounts) {
  const uint64_t before = allocations;
  auto number = std::make_unique<int>(1);
  EXPECT_EQ(allocations - before, 1u) << *number;
}

class SteadyDecode : public testing::TestWithParam<Speculate> {};

TEST_P(SteadyDecode, AllocatesNothing) {
  auto engine = Engine::open(model::TinyModel{}.open(),
                             {.threads = 2, .context = 4096, .speculate = GetParam()});
  ASSERT_TRUE(engine.ok()) << engine.error().message;
  int tokens = 0;
  for (uint32_t i = 0; i < 4; ++i) {
    Request wanted;  // the default sampling, and a stop string to watch for
    wanted.prompt = random_prompt(20 + 10 * i, i);
    wanted.sampling.seed = i;
    wanted.sampling.repeat_penalty = 1.1f;
    // Few letters, so that there is something to look up.
    for (text::Token letter = 'A'; letter < 'E'; ++letter)
      wanted.sampling.logit_bias.emplace_back(letter, 60.0f);
    if (i % 2 == 0) wanted.stop = {"never in a random text"};
    ASSERT_TRUE((*engine)->submit(std::move(wanted), [&](const Event&) { ++tokens; }).ok());
  }
  for (int i = 0; i < 20; ++i) ASSERT_TRUE((*engine)->step());
  tokens = 0;
  const uint64_t before = allocations;
  for (int i = 0; i < 100; ++i) (*engine)->step();  // past the ends of blocks
  const uint64_t made = allocations - before;
  if (GetParam() == Speculate::kOff) {
    EXPECT_EQ(tokens, 400);
  } else {
    EXPECT_GE(tokens, GetParam() == Speculate::kAlways ? 450 : 400);
  }
  EXPECT_EQ(made, 0u);
}

INSTANTIATE_TEST_SUITE_P(Allocation, SteadyDecode,
                         testing::Values(Speculate::kOff, Speculate::kAuto, Speculate::kAlways));

}  // namespace
}  // namespace handmill::engine
#endif
