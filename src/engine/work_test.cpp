// What an engine says of the work of its steps, and of the roofs to hold it against.
#include "engine/test_engine.h"

namespace handmill::engine {
namespace {

using model::TinyModel;

TEST(Engine, CountsTheWorkOfItsSteps) {
  TestEngine engine(TinyModel{.types = {tensor::Type::kQ8_0}},
                    {.threads = 1, .context = 2048, .speculate = Speculate::kOff});
  ASSERT_TRUE(engine.ok());
  Request wanted;
  wanted.prompt = random_prompt(70, 1);
  wanted.max_tokens = 3;
  wanted.ignore_end = true;
  EXPECT_EQ(engine->work().bytes(), 0u);
  engine.ask(wanted);
  const model::Work first = engine->work();
  // Q8_0 has 34 bytes for 32: the layers' 129,024 weights and seven norms of 64, the head's 19,200.
  const uint64_t all = (129024 + 19200) / 32 * 34 + 7 * 64 * 4, row = 68;
  EXPECT_EQ(first.weight_bytes, 3 * all + 72 * row);  // the prompt and two tokens
  EXPECT_EQ(first.kv_bytes, (70 + 71 + 72) * 3 * 256u);
  EXPECT_EQ(first.product_ops, 2u * (72 * 129024 + 3 * 19200));
  engine.ask(wanted);  // 64 tokens of it are known by now
  const model::Work second = engine->work() - first;
  EXPECT_EQ(second.weight_bytes, 3 * all + 8 * row);
  EXPECT_EQ(second.kv_bytes, first.kv_bytes);
  EXPECT_EQ(second.product_ops, 2u * (8 * 129024 + 3 * 19200));
}

TEST(Engine, MeasuresTheRoofs) {
  TestEngine engine(TinyModel{});
  ASSERT_TRUE(engine.ok());
  const auto roofs = engine->measure_roofs();
  ASSERT_TRUE(roofs.ok()) << roofs.error().message;
  EXPECT_GT(roofs->read_bytes_s, 0.0);
  EXPECT_GT(roofs->int8_ops_s, 0.0);
}
}  // namespace
}  // namespace handmill::engine
