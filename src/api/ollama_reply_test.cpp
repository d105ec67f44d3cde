#include "api/ollama_reply.h"

#include <gtest/gtest.h>
#include <limits>

#include "api/read_check.h"

namespace handmill::api::ollama {
namespace {

const Identity kIdentity = some_identity();
constexpr std::string_view kOrigin =
    R"({"model":"smol","created_at":"2023-11-14T22:13:20.500000000Z",)";
const std::string kMetrics =
    R"("total_duration":3500000000,"load_duration":500000000,"prompt_eval_count":10,)"
    R"("prompt_eval_duration":750000000,"eval_count":5,"eval_duration":2000000000)";
const std::string kEnd = kMetrics + "," + std::string(kSomeTimings) + "}";

/// The line without its timings.
std::string without_timings(const std::string& text) {
  return text.substr(0, text.find(",\"timings\":"));
}

std::string line(std::string_view rest) { return std::string(kOrigin) + std::string(rest) + "\n"; }

/// The reply to a short answer with a thought before it.
std::string whole(const ReplyOptions& options, Finish finish = Finish::kStop) {
  return told(*make_reply(options),
              {{0, "", "Hm", {}}, {0, "The", "", {}}, {}, {0, " \"end\"", "", {}}},
              {{0, finish, "", {}}});
}

TEST(OllamaReply, ChatStreams) {
  EXPECT_EQ(whole({Route::kChat, true, true}),
            line(R"("message":{"role":"assistant","content":"","thinking":"Hm"},"done":false})") +
                line(R"("message":{"role":"assistant","content":"The"},"done":false})") +
                line(R"("message":{"role":"assistant","content":" \"end\""},"done":false})") +
                line(R"("message":{"role":"assistant","content":""},"done":true,)"
                     R"("done_reason":"stop",)" +
                     kEnd));
}

TEST(OllamaReply, GenerateStreams) {
  EXPECT_EQ(whole({Route::kGenerate, true, true}, Finish::kLength),
            line(R"("response":"","thinking":"Hm","done":false})") +
                line(R"("response":"The","done":false})") +
                line(R"("response":" \"end\"","done":false})") +
                line(R"("response":"","done":true,"done_reason":"length",)" + kEnd));
}

TEST(OllamaReply, OneObjectWithoutStream) {
  EXPECT_EQ(whole({Route::kChat, false, true}, Finish::kContext) + "\n",
            line(R"("message":{"role":"assistant","content":"The \"end\"","thinking":"Hm"},)"
                 R"("done":true,"done_reason":"length",)" +
                 kEnd));
  EXPECT_EQ(
      whole({Route::kGenerate, false, true}) + "\n",
      line(R"("response":"The \"end\"","thinking":"Hm","done":true,"done_reason":"stop",)" + kEnd));
}

TEST(OllamaReply, ThinkingThatNobodyWantsIsNotShown) {
  EXPECT_EQ(whole({Route::kChat, true, false}).find("Hm"), std::string::npos);
  EXPECT_EQ(whole({Route::kGenerate, false, false}).find("Hm"), std::string::npos);
}

TEST(OllamaReply, KindsOfContent) {
  EXPECT_EQ(make_reply({Route::kChat, true, true})->content_type(), "application/x-ndjson");
  EXPECT_EQ(make_reply({Route::kChat, false, true})->content_type(), "application/json");
  EXPECT_TRUE(make_reply({Route::kChat, true, true})->streams());
  EXPECT_FALSE(make_reply({Route::kChat, false, true})->streams());
  EXPECT_EQ(make_reply({Route::kChat, true, true})->ping(), "");
}

TEST(OllamaReply, ZeroMetricsAreLeftOut) {
  const auto reply = make_reply({Route::kGenerate, true, true});
  std::string out;
  reply->begin(kIdentity, {}, out);
  reply->end({}, out);
  End end;
  end.usage.prompt_tokens = 3;
  end.timings.total_s = std::numeric_limits<double>::quiet_NaN();
  end.timings.decode_s = -1;
  end.timings.load_s = 1e300;
  reply->finish(end, out);
  EXPECT_EQ(without_timings(out) + "\n",
            line(R"("response":"","done":true,"done_reason":"stop",)"
                 R"("load_duration":9000000000000000000,"prompt_eval_count":3)"));
}

TEST(OllamaReply, Logprobs) {
  const TokenLogprob word{{5, "\xC3\xA9", -0.5f}, {{5, "\xC3\xA9", -0.5f}, {7, "\xC3", -2}}};
  const TokenLogprob bare{{9, "x", -std::numeric_limits<float>::infinity()}, {}};
  constexpr std::string_view kLogprobs =
      R"("logprobs":[{"token":"é","logprob":-0.5,"bytes":[195,169],"top_logprobs":[)"
      R"({"token":"é","logprob":-0.5,"bytes":[195,169]},)"
      R"({"token":"�","logprob":-2,"bytes":[195]}]},)"
      R"({"token":"x","logprob":-9999,"bytes":[120]}])";
  const auto stream = make_reply({Route::kGenerate, true, true});
  std::string out;
  stream->begin(kIdentity, {}, out);
  stream->delta({0, "", "", {word, bare}}, out);
  EXPECT_EQ(out, line(R"("response":"","done":false,)" + std::string(kLogprobs) + "}"));

  const auto single = make_reply({Route::kGenerate, false, true});
  out.clear();
  single->begin(kIdentity, {}, out);
  single->delta({0, "é", "", {word}}, out);
  single->delta({0, "x", "", {bare}}, out);
  single->end({}, out);
  single->finish({}, out);
  EXPECT_EQ(without_timings(out) + ",", std::string(kOrigin) +
                                            R"("response":"éx","done":true,"done_reason":"stop",)" +
                                            std::string(kLogprobs) + ",");
}

TEST(OllamaReply, AFaultIsALine) {
  const auto reply = make_reply({Route::kChat, true, true});
  std::string out;
  reply->begin(kIdentity, {}, out);
  reply->fail({Fault::Kind::kInternal, "the model \"x\" broke"}, out);
  EXPECT_EQ(out, "{\"error\":\"the model \\\"x\\\" broke\"}\n");
}

TEST(OllamaReply, PreloadAndUnload) {
  Timings timings;
  timings.load_s = 2;
  EXPECT_EQ(preloaded({Route::kGenerate, "m", {}}, kIdentity, timings) + "\n",
            line(R"("response":"","done":true,"done_reason":"load","load_duration":2000000000})"));
  EXPECT_EQ(preloaded({Route::kChat, "m", {}}, kIdentity, {}) + "\n",
            line(R"("message":{"role":"assistant","content":""},"done":true,)"
                 R"("done_reason":"load"})"));
  EXPECT_EQ(unloaded({Route::kGenerate, "m"}, kIdentity) + "\n",
            line(R"("response":"","done":true,"done_reason":"unload"})"));
  EXPECT_EQ(unloaded({Route::kChat, "m"}, kIdentity) + "\n",
            line(R"("message":{"role":"assistant","content":""},"done":true,)"
                 R"("done_reason":"unload"})"));
  EXPECT_EQ(preloaded({Route::kEmbed, "m", {}}, kIdentity, timings),
            R"({"model":"smol","embeddings":[],"load_duration":2000000000})");
  EXPECT_EQ(preloaded({Route::kEmbeddings, "m", {}}, kIdentity, {}), R"({"embedding":[]})");
  EXPECT_EQ(unloaded({Route::kEmbed, "m"}, kIdentity), R"({"model":"smol","embeddings":[]})");
}

TEST(OllamaReply, Embeddings) {
  const std::vector<std::vector<float>> vectors = {{0.1f, -0.25f}, {1, 0}};
  Usage usage;
  usage.prompt_tokens = 8;
  Timings timings;
  timings.total_s = 0.014;
  EXPECT_EQ(embed_reply(kIdentity, vectors, usage, timings),
            R"({"model":"smol","embeddings":[[0.1,-0.25],[1,0]],)"
            R"("total_duration":14000000,"prompt_eval_count":8})");
  EXPECT_EQ(embeddings_reply(vectors), R"({"embedding":[0.1,-0.25]})");
}

}  // namespace
}  // namespace handmill::api::ollama
