// A router on tiny models, and what came of its requests. For this room's tests.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/temp_folder.h"
#include "model/tiny_model.h"
#include "router/local_router.h"

namespace handmill::router {

/// Waits for what other threads bring about. Tests fail after a minute, never for slowness alone.
template <class Condition>
bool eventually(const Condition& condition) {
  for (int i = 0; i < 60000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

/// What passes waits while it is shut.
class Gate {
 public:
  void shut() { open_ = false; }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++arrived;
    opened_.wait(lock, [this] { return open_.load(); });
  }
  std::atomic<int> arrived = 0;

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  std::atomic<bool> open_ = true;
};

/// Everything that a request's sink was told.
class Answer {
 public:
  Sink sink() {
    return [this](Event event) { take(std::move(event)); };
  }
  bool wait() const {
    return eventually([this] { return ended(); });
  }
  bool wait_started() const {
    return eventually([this] {
      const std::lock_guard lock(mutex_);
      return started_ > 0 || ends_ > 0;
    });
  }
  bool ended() const {
    const std::lock_guard lock(mutex_);
    return ends_ > 0;
  }

  Gate gate;  // of what follows the start: while it is shut, the request stays under way

  // Once it has ended.
  std::map<int, std::string> content, reasoning;
  std::map<int, std::vector<api::TokenLogprob>> logprobs;
  std::map<int, api::ChoiceEnd> choice_ends;
  std::optional<Started> start;
  std::optional<api::End> end;
  std::optional<api::Fault> fault;
  std::vector<std::string> first_deltas;

 private:
  void take(Event event) {
    if (!std::holds_alternative<Started>(event)) gate.pass();
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(ends_, 0) << "an event after the last";
    if (const auto* first = std::get_if<Started>(&event)) {
      EXPECT_EQ(started_++, 0);
      start = *first;
    }
    if (auto* delta = std::get_if<api::Delta>(&event)) {
      EXPECT_EQ(started_, 1) << "a delta before the start";
      EXPECT_FALSE(choice_ends.contains(delta->choice));
      if (!content.contains(delta->choice)) first_deltas.push_back(delta->content);
      content[delta->choice] += delta->content;
      reasoning[delta->choice] += delta->reasoning;
      for (auto& logprob : delta->logprobs) logprobs[delta->choice].push_back(std::move(logprob));
    }
    if (auto* one = std::get_if<api::ChoiceEnd>(&event)) {
      EXPECT_FALSE(choice_ends.contains(one->choice));
      choice_ends[one->choice] = std::move(*one);
    }
    if (auto* all = std::get_if<api::End>(&event)) end = *all, ++ends_;
    if (auto* what = std::get_if<api::Fault>(&event)) fault = std::move(*what), ++ends_;
  }

  mutable std::mutex mutex_;
  int started_ = 0, ends_ = 0;
};

class TestRouter {
 public:
  /// Writes the models as NAME.gguf.
  explicit TestRouter(const std::map<std::string, model::TinyModel>& models, Options options = {}) {
    for (const auto& [name, tiny] : models) {
      const std::string path = folder_ / (name + ".gguf");
      tiny.write(path);
      options.models.push_back({name, path});
    }
    open(std::move(options));
  }
  static model::TinyModel tiny() { return {.layers = 1, .context = 256, .end_token = true}; }
  static Options small() {
    Options options;
    options.engine = {.threads = 1, .context = 256, .max_sequences = 4};
    return options;
  }

  Router* operator->() { return router_.get(); }
  void close() { router_.reset(); }
  const base::TempFolder& folder() const { return folder_; }
  State state(std::string_view name) { return router_->find(name)->state; }

  Gate gate;  // of every load
  std::atomic<int> loads = 0;

 private:
  void open(Options options) {
    auto made = LocalRouter::make(
        options, [this](std::shared_ptr<const gguf::File> file, const engine::Options& engine) {
          gate.pass();
          ++loads;
          return engine::Engine::open(std::move(file), engine);
        });
    ASSERT_TRUE(made.ok()) << made.error().message;
    router_ = std::move(*made);
  }

  base::TempFolder folder_;
  std::unique_ptr<Router> router_;
};

inline api::Completion plain(std::string text, int max_tokens, std::string model = {}) {
  api::Completion completion;
  completion.model = std::move(model);
  completion.prompts = {api::PlainText{std::move(text)}};
  completion.max_tokens = max_tokens;
  completion.ignore_end = true;
  completion.sampling.temperature = 0;
  completion.sampling.seed = 1;
  return completion;
}

inline chat::Message user(std::string text) { return {"user", std::move(text), {}}; }

}  // namespace handmill::router
