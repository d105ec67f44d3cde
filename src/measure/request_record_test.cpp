// The mistakes that benchmarks make, as requests of round numbers on which each would show.
#include "measure/request_record.h"

#include <gtest/gtest.h>

namespace handmill::measure {
namespace {

/// 100 tokens of which 60 were cached, 40 computed in 2 s after waiting 1 s, five tokens.
RequestRecord usual() {
  return {.prompt_tokens = 100,
          .cached_tokens = 60,
          .answer_tokens = 5,
          .prefill_s = 2,
          .piece_s = {3, 3.5, 4, 4.5, 5},
          .end_s = 5};
}

TEST(RequestRecord, TheFirstTokenBelongsToTtftAndNotToTg) {
  EXPECT_EQ(usual().ttft_s(), 3);
  EXPECT_EQ(usual().tpot_s(), 0.5);
  EXPECT_EQ(usual().tg_tok_s(), 2);  // 4 tokens in 2 s; neither 5 / 2 nor 5 / 5
}

TEST(RequestRecord, CachedTokensAreNotPrefilled) {
  EXPECT_EQ(usual().pp_tok_s(), 20);
  RequestRecord all = usual();
  all.cached_tokens = 100;
  EXPECT_FALSE(all.pp_tok_s().has_value());
}

TEST(RequestRecord, WaitingIsInTtftAndNotInPp) {
  RequestRecord waited = usual();
  for (double& at : waited.piece_s) at += 10;
  EXPECT_EQ(waited.ttft_s(), 13);
  EXPECT_EQ(waited.pp_tok_s(), 20);
  EXPECT_EQ(waited.tg_tok_s(), 2);
}

TEST(RequestRecord, AnAnswerOfOneTokenHasNoSpeed) {
  RequestRecord one = usual();
  one.answer_tokens = 1;
  one.piece_s = {3};
  EXPECT_EQ(one.ttft_s(), 3);
  EXPECT_FALSE(one.tpot_s().has_value());
  EXPECT_FALSE(one.tg_tok_s().has_value());
  EXPECT_TRUE(one.gaps_s().empty());
  one.piece_s = {};
  EXPECT_FALSE(one.ttft_s().has_value());
}

TEST(RequestRecord, PiecesAreNotTokens) {
  RequestRecord merged = usual();
  merged.piece_s = {3, 4, 5};  // five tokens in three pieces
  EXPECT_EQ(merged.tg_tok_s(), 2);
  EXPECT_EQ(merged.gaps_s(), (std::vector<double>{1, 1}));
}

TEST(RequestRecord, FromOutsideThePrefillIsUnknown) {
  RequestRecord outside = usual();
  outside.prefill_s.reset();
  EXPECT_FALSE(outside.pp_tok_s().has_value());
}

}  // namespace
}  // namespace handmill::measure
