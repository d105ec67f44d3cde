// Sockets and the thread that waits for them. One thread does all input and output, so that what it
// runs needs no locks: whatever takes longer than some microseconds belongs on a worker. The only
// door to Boost.Asio and OpenSSL's TLS.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "serve/limits.h"

namespace handmill::serve {

/// One connection's bytes, plain or TLS. Loop thread alone. At most one read and one write at a
/// time; after close() both come back with `ok` false.
class Transport {
 public:
  /// The bytes are valid inside the call alone. !ok: the other side has left, or never was.
  using OnRead = std::function<void(std::string_view bytes, bool ok)>;
  using OnWrite = std::function<void(size_t bytes, bool ok)>;

  virtual ~Transport() = default;
  /// The TLS handshake, where there is one.
  virtual void start(std::function<void(bool ok)> done) = 0;
  virtual void read(OnRead done) = 0;
  /// Writes a part of `bytes`, which must stay as they are until then.
  virtual void write(std::string_view bytes, OnWrite done) = 0;
  /// No more bytes of ours; theirs still come.
  virtual void shut_down(std::function<void()> done) = 0;
  virtual void close() = 0;
  /// Tries to write at once, without waiting, and closes.
  virtual void dismiss(std::string_view bytes) = 0;
};

/// A certificate chain and its key, read from PEM files.
class Tls {
 public:
  static Result<std::shared_ptr<Tls>> load(const std::string& certificate_file,
                                           const std::string& key_file);
  virtual ~Tls() = default;
};

/// 127.0.0.0/8, ::1, and "localhost".
bool is_loopback(std::string_view host);

class Loop {
 public:
  Loop();
  ~Loop();  // stop()

  /// Runs `work` on the loop's thread. Any thread; after stop() it is dropped.
  void post(std::function<void()> work);
  bool here() const;  // this is the loop's thread

  using OnAccept = std::function<void(std::unique_ptr<Transport>)>;
  /// Binds an address or a name ("localhost": both of its addresses); port 0: a free one. Gives the
  /// port. REQUIRES: before start().
  Result<int> listen(const std::string& host, int port, std::shared_ptr<Tls> tls,
                     OnAccept on_accept);
  /// Calls `work` again and again. REQUIRES: before start().
  void every(Milliseconds interval, std::function<void()> work);
  void start();
  void stop_listening();  // any thread
  /// Ends the thread and lets go of everything that it would have run. Not on its own thread.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace handmill::serve
