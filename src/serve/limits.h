// What a client can make the server hold or wait for. Each limit is one row here, with what happens
// past it; limits_test.cpp has a test of every row.
#pragma once

#include <chrono>
#include <cstddef>

namespace handmill::serve {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

struct Limits {
  // Bytes and counts.
  size_t header_bytes = 16 << 10;     // of a request; past it: 431
  size_t body_bytes = 32 << 20;       // of a request; past it: 413, before the rest is read
  size_t connections = 4096;          // past it: 503 and closed
  size_t output_bytes = 1 << 20;      // of a stream that its client does not read; then dropped
  size_t buffered_bytes = 512 << 20;  // bodies and output of all connections; past it: 503, dropped
  size_t body_bytes_per_s = 1 << 10;  // of a body, after `body_wait`; slower: 408

  // Times.
  Milliseconds header_wait{10'000};  // first byte of a header → its end; past it: 408
  Milliseconds body_wait{10'000};    // grace of a slow body
  Milliseconds idle_wait{75'000};    // of a connection without a request; then closed
  Milliseconds stall_wait{30'000};   // output that does not move; then dropped
  Milliseconds linger_wait{2'000};   // last byte of ours → their end of the connection
  Milliseconds quiet_wait{10'000};   // a stream without a byte gets a ping
  Milliseconds drain_wait{30'000};   // answers on their way when the server is told to end
  Milliseconds stuck_wait{120'000};  // work without progress: /health says so
};

}  // namespace handmill::serve
