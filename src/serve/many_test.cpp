// Many streams at once: all of them are answered, each costs little memory, and nothing is left
// over.
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>

#include "serve/test_server.h"

namespace handmill::serve {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif
constexpr size_t kStreams = kSanitized ? 200 : 1000;

class ManyTest : public ServerTest {
 protected:
  ManyTest() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  /// Bytes that the program has taken from the heap, whoever of it.
  static size_t heap_bytes() {
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
  }
};

TEST_F(ManyTest, AThousandStreamsAreAnsweredAndCostLittleEach) {
  start();
  ASSERT_EQ(connect().get("/version").status, 200);
  ASSERT_TRUE(wait_for_metric("handmill_connections", "1"));
  const size_t before = heap_bytes();
  std::vector<Client> clients;
  clients.reserve(kStreams);
  for (size_t i = 0; i < kStreams; ++i) {
    clients.emplace_back(server->port());
    ASSERT_TRUE(clients.back().connected()) << i;
    clients.back().begin_post(kChatPath, kStreamBody, "X-Pad: " + std::string(500, 'x') + "\r\n");
  }
  ASSERT_TRUE(router.wait_for(kStreams));
  for (size_t i = 0; i < kStreams; ++i) {
    router.start(i);
    router.text(i, "Hello");
  }
  for (Client& client : clients) ASSERT_FALSE(client.read_to("Hello").empty());
  const size_t each = (heap_bytes() - before) / kStreams;
  RecordProperty("bytes_each", static_cast<int>(each));
  // The clients and the router's notes of the requests are counted too.
  if (!kSanitized) {
    EXPECT_LT(each, 20U << 10);
  }
  for (size_t i = 0; i < kStreams; ++i) router.end(i);
  for (Client& client : clients) ASSERT_FALSE(client.read_to("[DONE]").empty());
  clients.clear();
  EXPECT_TRUE(wait_for_metric("handmill_connections", "1"));
  EXPECT_TRUE(wait_for_metric("handmill_buffered_bytes", "0"));
}

TEST_F(ManyTest, AThirdOfTheClientsLeavesAndNothingIsLeft) {
  start();
  size_t index = 0;
  for (int round = 0; round < (kSanitized ? 20 : 100); ++round) {
    std::vector<Client> clients;
    for (int i = 0; i < 9; ++i) {
      clients.emplace_back(server->port());
      clients.back().begin_post(kChatPath, i % 2 == 0 ? kStreamBody : kChatBody);
    }
    ASSERT_TRUE(router.wait_for(index + clients.size()));
    const size_t first = index;
    index += clients.size();
    for (size_t i = first; i < index; ++i) router.start(i);
    clients[0].reset();
    clients[4].close();
    for (size_t i = first; i < index; ++i) router.text(i, "Hello");
    clients[8].reset();
    for (size_t i = first; i < index; ++i) router.end(i);
    for (const size_t i : {1, 2, 3, 5, 6, 7}) EXPECT_EQ(clients[i].read().status, 200);
    for (size_t i = first; i < index; ++i) ASSERT_TRUE(router.wait_for_cancel(i)) << i;
  }
  EXPECT_TRUE(wait_for_metric("handmill_connections", "1"));
  EXPECT_TRUE(wait_for_metric("handmill_buffered_bytes", "0"));
}

}  // namespace
}  // namespace handmill::serve
