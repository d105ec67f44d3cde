#include "cli/args.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace handmill::cli {
namespace {

struct Parsed {
  int threads = 0;
  int max_tokens = 0;
  bool verbose = false;
  std::string kv = "f16";
  std::vector<int> lengths;
  std::vector<std::string> stop;
  std::vector<std::string> words;
  std::string error;
  bool help = false;
};

Parsed parse(const std::vector<std::string>& words) {
  Parsed out;
  Args args("run");
  args.positional("[WORDS]", out.words, "Words");
  args.option("-t,--threads", "N", out.threads, "Threads");
  args.option("--max-tokens", "N", out.max_tokens, "Tokens");
  args.option("-p,--prefill", "N,…", out.lengths, "Lengths");
  args.flag("--verbose", out.verbose, "Verbose");
  args.choice("--kv", {"f16", "q8_0"}, out.kv, "Cache");
  args.option(
      "--stop", "TEXT",
      [&out](const std::vector<std::string>& values) -> Status {
        out.stop = values;
        return {};
      },
      "Stop");
  auto outcome = args.parse(words);
  if (!outcome.ok())
    out.error = outcome.error().message;
  else
    out.help = *outcome == Args::Outcome::kHelp;
  return out;
}

TEST(Args, ReadsEveryForm) {
  const Parsed p = parse({"--threads", "4", "model", "--verbose", "a prompt", "-p", "1,2,3",
                          "--kv=q8_0", "--stop", "a", "--stop", "b", "--max-tokens", "-1"});
  EXPECT_EQ(p.error, "");
  EXPECT_EQ(p.threads, 4);
  EXPECT_EQ(p.max_tokens, -1);
  EXPECT_TRUE(p.verbose);
  EXPECT_EQ(p.kv, "q8_0");
  EXPECT_EQ(p.lengths, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(p.stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(p.words, (std::vector<std::string>{"model", "a prompt"}));
}

TEST(Args, AnOptionTakesOneValueAndLeavesTheWords) {
  EXPECT_EQ(parse({"--stop", "a", "words", "behind"}).words,
            (std::vector<std::string>{"words", "behind"}));
  EXPECT_EQ(parse({"-t", "2", "-t", "3"}).threads, 3);
}

TEST(Args, BracketsAreText) {
  const Parsed p = parse({"[INST] a, b [/INST]", "[]", "--stop", "[1,2]", "--stop=[x]"});
  EXPECT_EQ(p.words, (std::vector<std::string>{"[INST] a, b [/INST]", "[]"}));
  EXPECT_EQ(p.stop, (std::vector<std::string>{"[1,2]", "[x]"}));
}

TEST(Args, AFailedCheckIsAMistakeInTheArguments) {
  int threads = 0;
  Args args("run");
  args.option("-t,--threads", "N", threads, "Threads");
  args.check([&]() -> Status {
    return threads < 0 ? Status(base::invalid("--threads is {}", threads)) : Status();
  });
  EXPECT_TRUE(args.parse({"-t", "1"}).ok());
  EXPECT_TRUE(args.parse({"-t", "-1", "--help"}).ok());
  EXPECT_EQ(args.parse({"-t", "-1"}).error().message, "--threads is -1");
}

TEST(Args, WordsMayLookLikeOptionsAfterTwoDashes) {
  const Parsed p = parse({"--verbose", "--", "--threads"});
  EXPECT_EQ(p.error, "");
  EXPECT_EQ(p.words, (std::vector<std::string>{"--threads"}));
}

TEST(Args, AWrongFlagSuggestsTheRightOne) {
  EXPECT_EQ(parse({"--thread", "4"}).error,
            "unknown option --thread (did you mean --threads?); see handmill run --help");
  EXPECT_EQ(parse({"--verbos=1"}).error,
            "unknown option --verbos (did you mean --verbose?); see handmill run --help");
  EXPECT_EQ(parse({"--zzzzzz"}).error, "unknown option --zzzzzz; see handmill run --help");
}

TEST(Args, AWrongValueIsNamed) {
  EXPECT_EQ(parse({"--threads", "four"}).error, "--threads: \"four\" is not a whole number");
  EXPECT_EQ(parse({"-t", "99999999999"}).error,
            "--threads: 99999999999 is not between -2147483648 and 2147483647");
  EXPECT_EQ(parse({"-p", "1,,2"}).error, "--prefill: \"\" is not a whole number");
  EXPECT_EQ(parse({"--kv", "q8-0"}).error,
            "--kv: \"q8-0\" is none of f16, q8_0 (did you mean q8_0?)");
  EXPECT_NE(parse({"--threads"}).error, "");
}

TEST(Args, HelpIsGivenEvenWhereTheRestIsWrong) {
  EXPECT_TRUE(parse({"--nonsense", "--help"}).help);
  EXPECT_FALSE(parse({"--", "--help"}).help);
}

TEST(Args, HelpNamesEverything) {
  int threads = 0;
  bool json = false;
  Args args("show");
  args.flag("--json", json, "As JSON");
  args.group("Engine");
  args.option("-t,--threads", "N", threads, "Threads");
  args.note("Examples:\n  handmill show");
  const std::string page = args.help("Tell about a model");
  for (const char* part : {"Tell about a model", "Usage: handmill show", "--json", "As JSON",
                           "Engine:", "-t, --threads N", "--help", "Examples:"})
    EXPECT_NE(page.find(part), std::string::npos) << part << "\n" << page;
}

TEST(Args, NumbersAreExact) {
  EXPECT_EQ(*parse_integer("-12", -20, 20), -12);
  EXPECT_FALSE(parse_integer("12 ", -20, 20).ok());
  EXPECT_FALSE(parse_integer("21", -20, 20).ok());
  EXPECT_FALSE(parse_integer("99999999999999999999", INT64_MIN, INT64_MAX).ok());
  EXPECT_EQ(*parse_number("0.25"), 0.25);
  for (const char* bad : {"", "nan", "inf", "1e999", "0.5x", "0,5"})
    EXPECT_FALSE(parse_number(bad).ok()) << bad;
}

}  // namespace
}  // namespace handmill::cli
