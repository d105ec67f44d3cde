#include "cli/suggest.h"

#include <gtest/gtest.h>

namespace handmill::cli {
namespace {

const std::vector<std::string> kFlags = {"--threads", "--temperature", "--top-k", "--top-p", "-t"};

TEST(Suggest, CountsEdits) {
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("thraeds", "threads"), 1);  // a swap is one mistake
  EXPECT_EQ(edit_distance("top_K", "top-k"), 0);
}

TEST(Suggest, FindsWhatWasMeant) {
  EXPECT_EQ(nearest("--thread", kFlags), "--threads");
  EXPECT_EQ(nearest("--thraeds", kFlags), "--threads");
  EXPECT_EQ(nearest("--top_k", kFlags), "--top-k");
  EXPECT_EQ(nearest("--temp", kFlags), "--temperature");
}

TEST(Suggest, IsSilentWhereNothingIsNear) {
  EXPECT_EQ(nearest("--colour", kFlags), std::nullopt);
  EXPECT_EQ(nearest("", kFlags), std::nullopt);
  EXPECT_EQ(nearest(std::string(100000, 'x'), kFlags), std::nullopt);
  EXPECT_EQ(did_you_mean("--colour", kFlags), "");
}

}  // namespace
}  // namespace handmill::cli
