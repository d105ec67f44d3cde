// A few threads for what would hold up the loop: reading bodies, templates, tokenization.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace handmill::serve {

class Workers {
 public:
  explicit Workers(int threads);
  ~Workers();  // stop()

  void post(std::function<void()> work);  // any thread; after stop() it is dropped
  /// Ends what runs and drops what waits.
  void stop();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable some_;
  std::deque<std::function<void()>> waiting_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace handmill::serve
