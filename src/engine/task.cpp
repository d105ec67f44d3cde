#include "engine/task.h"

namespace handmill::engine {

Task::Task(RequestId id, std::vector<text::Token> tokens, const Terms& terms)
    : id_(id), terms_(terms), tokens_(std::move(tokens)), submitted_(Clock::now()) {
  timings_.prompt_tokens = length();
}

void Task::start(int cached) {
  computed_ = cached;
  if (started_) return;
  started_ = true;
  scheduled_ = Clock::now();
  timings_.queue_s = seconds(scheduled_ - submitted_);
  timings_.cached_tokens = cached;
  const int most = length_max();
  tokens_.reserve(static_cast<size_t>(most));
  table.reserve(static_cast<size_t>(kv::blocks_for(most)));
}

}  // namespace handmill::engine
