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

struct Case {
  Speculate speculate;
  bool draft;
};
class SteadyDecode : public testing::TestWithParam<Case> {};

TEST_P(SteadyDecode, AllocatesNothing) {
  const auto [speculate, draft] = GetParam();
  Options options{.threads = 2, .context = 4096, .speculate = speculate};
  if (draft) options.draft = model::TinyModel{.seed = 2}.open();
  auto engine = Engine::open(model::TinyModel{}.open(), options);
  ASSERT_TRUE(engine.ok()) << engine.error().message;
  // The largest batch there is: a draft model may read what it lacks at any later time.
  ASSERT_TRUE((*engine)->submit(request(random_prompt(512, 1), 1), {}).ok());
  (*engine)->drain();
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
  EXPECT_GE(tokens, speculate == Speculate::kAlways ? 450 : 400);
  EXPECT_EQ(made, 0u);
}

INSTANTIATE_TEST_SUITE_P(Allocation, SteadyDecode,
                         testing::Values(Case{Speculate::kOff, false},
                                         Case{Speculate::kAuto, false},
                                         Case{Speculate::kAlways, false},
                                         Case{Speculate::kAuto, true},
                                         Case{Speculate::kAlways, true}));

}  // namespace
}  // namespace handmill::engine
#endif
