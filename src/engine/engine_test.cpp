// Requests from submission to last event: ends, limits, errors, cancellation, timings, scores.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/temp_folder.h"
#include "engine/test_engine.h"
#include "probe/machine.h"

namespace handmill::engine {
namespace {

using model::TinyModel;

TEST(Engine, SaysWhatItIs) {
  TestEngine engine(TinyModel{.context = 1000}, {.threads = 2, .context = 700});
  ASSERT_TRUE(engine.ok());
  EXPECT_EQ(engine->context(), 700);
  EXPECT_EQ(engine->model_context(), 1000);
  EXPECT_EQ(engine->threads(), 2);
  EXPECT_NE(engine->description().find("2 threads"), std::string::npos);
  EXPECT_GT(engine->weight_bytes(), 50000u);
  EXPECT_GE(engine->kv_bytes_per_token(), 3u * 2 * 2 * 32 * 2)
      << "layers, k and v, heads, dim, f16";
  EXPECT_EQ(engine->tokenizer()->vocab_size(), 300);
}

TEST(Engine, DefaultsTakeTheModelsContextAndTheMachinesThreads) {
  TestEngine engine(TinyModel{.context = 777}, Options{});
  ASSERT_TRUE(engine.ok());
  EXPECT_EQ(engine->context(), 777);
  EXPECT_GE(engine->threads(), 1);
}

TEST(Engine, BadOptionsAreErrors) {
  auto file = TinyModel{}.open();
  for (const Options& options :
       {Options{.threads = -1}, Options{.context = -5}, Options{.prefill_chunk = 0},
        Options{.prefill_chunk = 1 << 20}, Options{.max_sequences = 0}}) {
    const auto engine = Engine::open(file, options);
    ASSERT_FALSE(engine.ok());
    EXPECT_EQ(engine.error().code, Code::kInvalid) << engine.error().message;
  }
  const auto huge = Engine::open(file, {.threads = 1, .context = 1 << 26});
  ASSERT_FALSE(huge.ok());
  EXPECT_EQ(huge.error().code, Code::kLimit) << huge.error().message;
}

TEST(Engine, AModelLargerThanTheMemoryIsRefusedBeforeItIsRead) {
  // A tensor of zeros at the end, which takes no room on the disk.
  base::TempFolder folder;
  const std::string path = folder / "huge.gguf";
  TinyModel tiny;
  tiny.more = {{"zeros", std::vector<float>(8)}};
  tiny.write(path);
  const uint64_t total = probe::read_memory("").total_bytes;
  ASSERT_GT(total, 0u);
  const uint64_t floats = total / sizeof(float) + (1 << 20);
  {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    std::string text((std::istreambuf_iterator<char>(file)), {});
    const size_t row = text.rfind("zeros") + 5 + sizeof(uint32_t);  // its one dimension
    file.clear();
    file.seekp(static_cast<std::streamoff>(row));
    file.write(reinterpret_cast<const char*>(&floats), sizeof floats);
  }
  std::filesystem::resize_file(path, std::filesystem::file_size(path) + total + (8 << 20));
  auto file = gguf::File::open(path);
  ASSERT_TRUE(file.ok()) << file.error().message;
  const auto engine = Engine::open(std::make_shared<const gguf::File>(std::move(*file)), {});
  ASSERT_FALSE(engine.ok());
  EXPECT_EQ(engine.error().code, Code::kLimit) << engine.error().message;
  EXPECT_NE(engine.error().message.find("of memory"), std::string::npos) << engine.error().message;
}

TEST(Engine, ReportsProgressUpToTheEnd) {
  uint64_t last = 0, total = 0;
  auto engine = Engine::open(TinyModel{}.open(), {.threads = 1, .context = 64},
                             [&](uint64_t done, uint64_t all) {
                               EXPECT_GE(done, last);
                               last = done;
                               total = all;
                             });
  ASSERT_TRUE(engine.ok());
  EXPECT_EQ(last, total);
  EXPECT_GT(total, 0u);
}

TEST(Engine, StopsAtLength) {
  TestEngine engine(TinyModel{});
  const Answer answer = engine.ask(request(random_prompt(10, 1), 7));
  EXPECT_EQ(answer.finish, Finish::kLength);
  EXPECT_EQ(answer.tokens.size(), 7u);
  EXPECT_EQ(answer.timings.prompt_tokens, 10);
  EXPECT_EQ(answer.timings.generated_tokens, 7);
  EXPECT_EQ(answer.timings.cached_tokens, 0);
  EXPECT_FALSE(engine->step()) << "nothing is left";
}

TEST(Engine, TextIsTheTokens) {
  TestEngine engine(TinyModel{});
  const Answer answer = engine.ask(request(random_prompt(10, 1), 40, false));
  text::Detokenizer detokenizer(engine->tokenizer());
  std::string text;
  for (text::Token token : answer.tokens) text += detokenizer.push(token);
  text += detokenizer.finish();
  EXPECT_EQ(answer.text, text);
  EXPECT_FALSE(text.empty());
}

TEST(Engine, ContextFullIsAClearStop) {
  TestEngine engine(TinyModel{}, {.threads = 1, .context = 100});
  const Answer answer = engine.ask(request(random_prompt(90, 1), -1));
  EXPECT_EQ(answer.finish, Finish::kContext);
  EXPECT_EQ(answer.tokens.size(), 11u) << "the last one needs no position any more";
  const Answer whole = engine.ask(request(random_prompt(100, 1), -1));
  EXPECT_EQ(whole.finish, Finish::kContext);
  EXPECT_EQ(whole.tokens.size(), 1u);
}

TEST(Engine, TheModelsContextEndsASequenceToo) {
  TestEngine engine(TinyModel{.context = 50}, {.threads = 1, .context = 500});
  EXPECT_EQ(engine.ask(request(random_prompt(40, 1), -1)).tokens.size(), 11u);
  const auto refused = engine->submit(request(random_prompt(51, 1), 1), {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kLimit);
  EXPECT_NE(refused.error().message.find("51 tokens"), std::string::npos);
  EXPECT_NE(refused.error().message.find("50"), std::string::npos);
}

TEST(Engine, BadRequestsAreErrorsAndHarmNobody) {
  TestEngine engine(TinyModel{});
  auto code = [&](Request bad) {
    const auto id = engine->submit(std::move(bad), {});
    return id.ok() ? Code::kIo : id.error().code;
  };
  EXPECT_EQ(code(request({}, 5)), Code::kInvalid);
  EXPECT_EQ(code(request({-1}, 5)), Code::kInvalid);
  EXPECT_EQ(code(request({300}, 5)), Code::kInvalid);
  EXPECT_EQ(code(request({1}, 0)), Code::kInvalid);
  EXPECT_EQ(code(request({1}, -2)), Code::kInvalid);
  Request settings = request({1}, 5);
  settings.sampling.top_p = 2;
  EXPECT_EQ(code(settings), Code::kInvalid);
  Request stop = request({1}, 5);
  stop.stop = {""};
  EXPECT_EQ(code(stop), Code::kInvalid);
  EXPECT_FALSE(engine->step());
  EXPECT_EQ(engine.ask(request({1}, 5)).finish, Finish::kLength);
}

TEST(Engine, EndTokensFinishUnlessIgnored) {
  const TinyModel tiny{.end_token = true};
  TestEngine engine(tiny);
  const text::Token end = engine->tokenizer()->find_control("<|im_end|>");
  ASSERT_NE(end, text::kNoToken);
  Request wanted = request(random_prompt(5, 1), 9);
  wanted.sampling.logit_bias = {{end, 100.0f}};
  const Answer answer = engine.ask(wanted);
  EXPECT_EQ(answer.finish, Finish::kStop);
  EXPECT_EQ(answer.tokens, std::vector{end});
  EXPECT_EQ(answer.text, "");
  EXPECT_EQ(answer.stop, "");
  wanted.ignore_end = true;
  const Answer ignored = engine.ask(wanted);
  EXPECT_EQ(ignored.finish, Finish::kLength);
  EXPECT_EQ(ignored.tokens.size(), 9u);
}

TEST(Engine, StopStringsEndTheTextBeforeThem) {
  TestEngine engine(TinyModel{});
  Request wanted = request(random_prompt(10, 1), 60, false);
  const Answer whole = engine.ask(wanted);
  ASSERT_GT(whole.text.size(), 30u);
  size_t at = 12;  // a piece that begins and ends with whole characters
  while ((whole.text[at] & 0xc0) == 0x80) ++at;
  size_t end = at + 5;
  while ((whole.text[end] & 0xc0) == 0x80) ++end;
  const std::string stop = whole.text.substr(at, end - at);
  wanted.stop = {"never there", stop};
  const Answer answer = engine.ask(wanted);
  EXPECT_EQ(answer.finish, Finish::kStop);
  EXPECT_EQ(answer.stop, stop);
  EXPECT_EQ(answer.text, whole.text.substr(0, whole.text.find(stop)));
  EXPECT_LT(answer.tokens.size(), whole.tokens.size());
  wanted.stop = {whole.text.substr(at) + "!"};
  EXPECT_EQ(engine.ask(wanted).text, whole.text) << "what was held back is given in the end";
}

TEST(Engine, CancelEndsARequestWhereverItIs) {
  TestEngine engine(TinyModel{},
                    {.threads = 1, .context = 2048, .prefill_chunk = 64, .max_sequences = 2});
  const RequestId decoding = engine.submit(request(random_prompt(5, 1), -1));
  const RequestId prefill = engine.submit(request(random_prompt(300, 2), 5));
  const RequestId queued = engine.submit(request(random_prompt(5, 3), 5));
  ASSERT_TRUE(engine->step());
  ASSERT_TRUE(engine->step());
  EXPECT_FALSE(engine.answer(decoding).tokens.empty());
  EXPECT_TRUE(engine.answer(prefill).tokens.empty());
  EXPECT_EQ(engine->stats().running, 2);
  EXPECT_EQ(engine->stats().waiting, 1);
  int others = 2, blocks = 4;  // of the two that go on, after the next step
  for (RequestId id : {queued, prefill, decoding}) {
    engine->cancel(id);
    EXPECT_TRUE(engine->step());
    EXPECT_EQ(engine.answer(id).finish, Finish::kCancelled);
    EXPECT_EQ(engine->stats().running + engine->stats().waiting, others--);
    EXPECT_EQ(engine->stats().kv_free, 32 - blocks);
    blocks = others;  // one that decodes within its first block, and then none
  }
  engine->cancel(999);
  EXPECT_EQ(engine->stats().kv_free, 32);
  EXPECT_FALSE(engine->step());
}

TEST(Engine, ARequestsOwnContextIsItsLimit) {
  TestEngine engine(TinyModel{});
  Request wanted = request(random_prompt(90, 1), -1);
  wanted.context = 100;
  const Answer answer = engine.ask(wanted);
  EXPECT_EQ(answer.finish, Finish::kContext);
  EXPECT_EQ(answer.tokens.size(), 10u);
  wanted.context = 91;
  EXPECT_EQ(engine.ask(wanted).tokens.size(), 1u);
  wanted.context = 1 << 20;
  wanted.max_tokens = 3;
  EXPECT_EQ(engine.ask(wanted).finish, Finish::kLength);
  for (const int context : {1, 50, 90}) {
    wanted.context = context;
    const auto refused = engine->submit(wanted, {});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, Code::kLimit);
    EXPECT_NE(refused.error().message.find("90 tokens"), std::string::npos);
    EXPECT_NE(refused.error().message.find("of " + std::to_string(context)), std::string::npos)
        << refused.error().message;
  }
  wanted.context = -1;
  EXPECT_EQ(engine->submit(wanted, {}).error().code, Code::kInvalid);
}

TEST(Engine, CountsWhatItDid) {
  TestEngine engine(TinyModel{}, {.threads = 2, .context = 1024, .speculate = Speculate::kAlways});
  EXPECT_EQ(engine->stats().kv_blocks, 16);
  EXPECT_EQ(engine->stats().kv_free, 16);
  engine.ask(request(random_prompt(100, 1), 10));
  EXPECT_GT(engine->stats().steps, 0u);
  EXPECT_EQ(engine->stats().prompt_tokens, 100u);
  EXPECT_EQ(engine->stats().cached_tokens, 0u);
  EXPECT_EQ(engine->stats().generated_tokens, 10u);
  const Answer again = engine.ask(babble(100, 200, 1));
  const Answer cached = engine.ask(babble(100, 200, 1));
  const Stats stats = engine->stats();
  EXPECT_EQ(stats.prompt_tokens, 300u);
  EXPECT_EQ(stats.cached_tokens, 64u);
  EXPECT_EQ(stats.generated_tokens, 410u);
  EXPECT_GE(stats.proposed_tokens,
            static_cast<uint64_t>(again.timings.proposed_tokens + cached.timings.proposed_tokens));
  EXPECT_GE(stats.accepted_tokens,
            static_cast<uint64_t>(again.timings.accepted_tokens + cached.timings.accepted_tokens));
  EXPECT_GT(stats.accepted_tokens, 0u);
  EXPECT_EQ(stats.running + stats.waiting, 0);
  EXPECT_EQ(stats.kv_free, 16);
  EXPECT_EQ(stats.preemptions, 0u);
}

TEST(Engine, AFailingRequestHarmsNoOther) {
  TinyModel tiny{.tied = false, .types = {tensor::Type::kF32}};
  tiny.spoil = [](const std::string& name, std::vector<float>& values) {
    if (name == "token_embd.weight") values[64 * 7] = NAN;
  };
  TestEngine engine(tiny);
  Request sound = request({1, 2, 3}, 20, false);
  sound.sampling.logit_bias = {{7, -100.0f}};  // never meets the broken row
  const Answer alone = engine.ask(sound);
  const RequestId good = engine.submit(sound);
  const RequestId bad = engine.submit(request({1, 7, 3}, 20));
  engine->drain();
  EXPECT_EQ(engine.answer(bad).finish, Finish::kError);
  EXPECT_FALSE(engine.answer(bad).error.empty());
  EXPECT_TRUE(engine.answer(bad).tokens.empty());
  EXPECT_EQ(engine.answer(good).finish, Finish::kLength);
  EXPECT_EQ(engine.answer(good).tokens, alone.tokens);
}

TEST(Engine, PenaltiesCountPromptAndAnswer) {
  TestEngine engine(TinyModel{});
  Request wanted = request(std::vector<text::Token>(30, 65), 80);
  wanted.sampling.repeat_penalty = 1;
  wanted.sampling.frequency_penalty = 2;
  wanted.sampling.penalty_last_n = -1;
  wanted.sampling.logit_bias = {{65, 500.0f}, {66, 500.0f}};  // no other token has a chance
  const Answer answer = engine.ask(wanted);
  ASSERT_EQ(answer.tokens.size(), 80u);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(answer.tokens[i], 66) << "the prompt's 65 are counted";
  EXPECT_LT(std::ranges::count(answer.tokens, 66), 75) << "the answer's 66 are counted";
}

TEST(Engine, TimingsAreWhatTheySay) {
  TestEngine engine(TinyModel{});
  const Answer answer = engine.ask(request(random_prompt(100, 1), 10));
  const Timings& t = answer.timings;
  EXPECT_GE(t.queue_s, 0);
  EXPECT_GT(t.prefill_s, 0);
  EXPECT_NEAR(t.ttft_s, t.queue_s + t.prefill_s, 1e-9);
  EXPECT_GT(t.decode_s, 0);
  EXPECT_DOUBLE_EQ(t.pp(), 100 / t.prefill_s);
  EXPECT_DOUBLE_EQ(t.tpot_s(), t.decode_s / 9);
  EXPECT_DOUBLE_EQ(t.tg(), 9 / t.decode_s);
  EXPECT_EQ(Timings{}.pp(), 0);
  EXPECT_EQ(Timings{}.tg(), 0);
  EXPECT_STREQ(finish_name(Finish::kContext), "context");
}

TEST(Engine, TimingsTellWhetherOthersWereComputed) {
  TestEngine engine(TinyModel{});
  const RequestId alone = engine.submit(request(random_prompt(30, 1), 4));
  engine->drain();
  const RequestId first = engine.submit(request(random_prompt(30, 2), 8));
  for (int i = 0; i < 3; ++i) engine->step();
  const RequestId second = engine.submit(request(random_prompt(9, 3), 2));
  engine->drain();
  EXPECT_FALSE(engine.answer(alone).timings.shared);
  EXPECT_TRUE(engine.answer(first).timings.shared);
  EXPECT_TRUE(engine.answer(second).timings.shared);
}

TEST(Engine, ScoreGivesEveryRowOnceAndLeavesNothingBehind) {
  TestEngine engine(TinyModel{}, {.threads = 2, .context = 256, .prefill_chunk = 100});
  const auto tokens = random_prompt(250, 5);
  for (int round = 0; round < 3; ++round) {  // a leaked block would leave no room
    size_t next = 0;
    const Status scored = engine->score(tokens, [&](size_t i, std::span<const float> row) {
      EXPECT_EQ(i, next++);
      EXPECT_EQ(row.size(), 300u);
      EXPECT_TRUE(std::isfinite(row[0]));
    });
    ASSERT_TRUE(scored.ok()) << scored.error().message;
    EXPECT_EQ(next, tokens.size());
  }
  EXPECT_EQ(engine->score({}, {}).error().code, Code::kInvalid);
  EXPECT_EQ(engine->score(random_prompt(257, 1), {}).error().code, Code::kLimit);
  const text::Token outside[] = {5, 300};
  EXPECT_EQ(engine->score(outside, {}).error().code, Code::kInvalid);
}

TEST(Engine, ScoreNeedsFreeBlocksAndSaysSo) {
  TestEngine engine(TinyModel{}, {.threads = 1, .context = 128});
  const RequestId id = engine.submit(request(random_prompt(70, 1), 20));
  ASSERT_TRUE(engine->step());
  const Status scored = engine->score(random_prompt(10, 1), {});
  ASSERT_FALSE(scored.ok());
  EXPECT_EQ(scored.error().code, Code::kLimit);
  engine->drain();
  EXPECT_EQ(engine.answer(id).finish, Finish::kLength);
}

TEST(Engine, RowsBeyondTheVocabularyAreNeverSampled) {
  TestEngine engine(with_vocabulary(300));  // padded, as some files are
  ASSERT_TRUE(engine.ok());
  const Answer answer = engine.ask(request(random_prompt(10, 1), 300, false));
  EXPECT_EQ(answer.tokens.size(), 300u);
  for (text::Token token : answer.tokens) EXPECT_LT(token, 300);
}

TEST(Engine, AVocabularyBeyondTheRowsIsAnError) {
  const auto engine = Engine::open(with_vocabulary(330).open(), {.threads = 1, .context = 64});
  ASSERT_FALSE(engine.ok());
  EXPECT_EQ(engine.error().code, Code::kInvalid);
  EXPECT_NE(engine.error().message.find("330 tokens"), std::string::npos) << engine.error().message;
}

}  // namespace
}  // namespace handmill::engine
