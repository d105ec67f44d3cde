#include "measure/machines.h"

#include <gtest/gtest.h>

namespace handmill::measure {
namespace {

double ridge_of(std::string_view text) {
  const auto given = given_machine(text);
  EXPECT_TRUE(given.ok()) << text;
  if (!given.ok()) return 0;
  EXPECT_EQ(given->machine.ops_s.source, Source::kGiven);
  EXPECT_FALSE(given->note.empty());
  return given->machine.ridge();
}

TEST(MachinesTest, HaveTheRidgesOfTheArticle) {
  EXPECT_NEAR(ridge_of("4060Ti"), 76.6, 0.05);
  EXPECT_NEAR(ridge_of("a10"), 208, 0.5);
  EXPECT_NEAR(ridge_of("780M-30"), 553, 0.5);
  EXPECT_NEAR(ridge_of("780M-DDR5-5600"), 185, 0.5);
  EXPECT_NEAR(ridge_of("780M-DDR5-8400"), 123.4, 0.1);
}

TEST(MachinesTest, AttentionThatKeepsItsScoresHas62OperationsOnAByte) {
  EXPECT_NEAR(unfused_attention_intensity(4096, 128), 62.4, 0.05);
}

TEST(MachinesTest, AWrittenMachineHasItsFigures) {
  const auto given = given_machine("90GB/s,16tflops,16GB");
  ASSERT_TRUE(given.ok()) << given.error().message;
  EXPECT_EQ(given->machine.read_bytes_s, (Figure{90e9, Source::kGiven}));
  EXPECT_EQ(given->machine.ops_s, (Figure{16e12, Source::kGiven}));
  EXPECT_EQ(given->machine.memory_bytes, (Figure{16e9, Source::kGiven}));
  EXPECT_FALSE(given_machine("90GB/s,16TFLOPS")->machine.memory_bytes.known());
}

TEST(MachinesTest, AMistakeIsNamed) {
  const std::pair<const char*, const char*> kBad[] = {
      {"5090", "4060Ti, A10"},
      {"", "4060Ti, A10"},
      {"90GB/s", "no arithmetic"},
      {"16TFLOPS", "no memory bandwidth"},
      {"90GB/s,16TFLOPS,", "\"\" is not a figure"},
      {"90GB/s,80GB/s,16TFLOPS", "given twice"},
      {"0GB/s,16TFLOPS", "not above 0"},
      {"9e400GB/s,1TFLOPS", "is not a figure"},
      {"90GiB/s,1TFLOPS", "is not a figure"},
  };
  for (const auto& [text, message] : kBad) {
    const auto given = given_machine(text);
    ASSERT_FALSE(given.ok()) << text;
    EXPECT_NE(given.error().message.find(message), std::string::npos) << given.error().message;
  }
}

}  // namespace
}  // namespace handmill::measure
