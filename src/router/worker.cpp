#include "router/worker.h"

#include <algorithm>
#include <spdlog/spdlog.h>

#include "base/error.h"
#include "router/faults.h"

namespace handmill::router {

Worker::Worker(Open open, Listener listener)
    : open_(std::move(open)), listener_(std::move(listener)), thread_([this] { run(); }) {}

Worker::~Worker() {
  stop();
  thread_.join();
}

bool Worker::post(std::shared_ptr<Job> job) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  // Work waits from now on, however long the thread takes to see it.
  if (!working_) progress_ = Job::Clock::now();
  working_ = true;
  commands_.push_back({false, std::move(job)});
  wake_.notify_one();
  return true;
}

void Worker::cancel(std::shared_ptr<Job> job) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  commands_.push_back({true, std::move(job)});
  wake_.notify_one();
}

void Worker::stop() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  wake_.notify_one();
}

std::pair<engine::Stats, double> Worker::stats() const {
  const std::lock_guard lock(mutex_);
  const std::chrono::duration<double> since = Job::Clock::now() - progress_;
  return {stats_, working_ ? since.count() : 0.0};
}

/// Memory that is not there is a reason like another.
Result<std::unique_ptr<engine::Engine>> Worker::open() const {
  try {
    return open_();
  } catch (const std::exception& e) {
    return base::limit("{}", e.what());
  }
}

void Worker::run() {
  api::Fault fault = shutting_down();
  try {
    auto engine = open();
    listener_.opened(engine);
    if (engine.ok()) serve(**engine);
  } catch (const std::exception& e) {
    spdlog::error("a model's thread failed: {}", e.what());
    fault = {api::Fault::Kind::kInternal, "the model failed, and is let go"};
  }
  close(fault);
  listener_.closed();
}

void Worker::serve(engine::Engine& engine) {
  publish(engine, false);
  for (bool work = false; wait(work);) {
    obey(engine);
    work = engine.step();
    settle(engine);
    publish(engine, work);
  }
}

/// Until there is something to do; false when it is time to go.
bool Worker::wait(bool work) {
  std::unique_lock lock(mutex_);
  if (!work) wake_.wait(lock, [this] { return closed_ || !commands_.empty(); });
  obeyed_.swap(commands_);
  return !closed_;
}

void Worker::obey(engine::Engine& engine) {
  for (Command& command : obeyed_) {
    if (!command.cancels) {
      jobs_.push_back(command.job);
      command.job->start(engine);
    } else if (std::find(jobs_.begin(), jobs_.end(), command.job) != jobs_.end()) {
      command.job->cancel(engine);
    }
  }
  obeyed_.clear();
}

/// Lets go of the jobs that have ended.
void Worker::settle(engine::Engine& engine) {
  const auto ended = [&engine](const std::shared_ptr<Job>& job) {
    if (job->unwanted()) job->cancel(engine);
    return job->ended();
  };
  const size_t count = std::erase_if(jobs_, ended);
  if (count > 0) listener_.ended(count);
}

void Worker::publish(const engine::Engine& engine, bool work) {
  const engine::Stats stats = engine.stats();
  const std::lock_guard lock(mutex_);
  stats_ = stats;
  working_ = work || !commands_.empty();
  progress_ = Job::Clock::now();
}

void Worker::close(const api::Fault& fault) {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    working_ = false;
    obeyed_.insert(obeyed_.end(), std::make_move_iterator(commands_.begin()),
                   std::make_move_iterator(commands_.end()));
    commands_.clear();
  }
  for (Command& command : obeyed_)
    if (!command.cancels && std::find(jobs_.begin(), jobs_.end(), command.job) == jobs_.end())
      jobs_.push_back(std::move(command.job));
  for (const auto& job : jobs_) job->fail(fault);
  if (!jobs_.empty()) listener_.ended(jobs_.size());
  obeyed_.clear();
  jobs_.clear();
}

}  // namespace handmill::router
