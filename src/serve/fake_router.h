// A router whose models are the test: what it was asked is written down, and its events come when
// the test says so, from the test's thread. For the tests of this room.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "router/router.h"

namespace handmill::serve {

class FakeRouter final : public router::Router {
 public:
  /// A request that was submitted.
  struct Asked {
    api::Completion completion;
    api::Embedding embedding;
    router::Owner owner = 0;
    router::Sink sink;
    router::EmbeddingSink embedding_sink;
    bool cancelled = false;
  };

  std::vector<router::ModelInfo> models() const override {
    const std::lock_guard lock(mutex_);
    return models_;
  }
  std::optional<router::ModelInfo> find(std::string_view name) const override {
    const std::lock_guard lock(mutex_);
    if (name.empty()) return models_.front();
    const auto at = std::find_if(models_.begin(), models_.end(),
                                 [&](const router::ModelInfo& info) { return info.name == name; });
    if (at == models_.end()) return std::nullopt;
    return *at;
  }
  std::vector<router::ModelStats> stats() const override {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

  std::unique_ptr<router::Ticket> submit(api::Completion completion, router::Owner owner,
                                         router::Sink sink) override {
    if (const auto fault = refusal(completion.model)) {
      sink(*fault);
      return std::make_unique<FakeTicket>(*this, SIZE_MAX);
    }
    Asked asked;
    asked.completion = std::move(completion);
    asked.owner = owner;
    asked.sink = std::move(sink);
    return keep(std::move(asked));
  }
  std::unique_ptr<router::Ticket> submit(api::Embedding embedding, router::Owner owner,
                                         router::EmbeddingSink sink) override {
    if (const auto fault = refusal(embedding.model)) {
      sink(*fault);
      return std::make_unique<FakeTicket>(*this, SIZE_MAX);
    }
    Asked asked;
    asked.embedding = std::move(embedding);
    asked.owner = owner;
    asked.embedding_sink = std::move(sink);
    return keep(std::move(asked));
  }
  void preload(std::string_view model, api::KeepAlive keep_alive,
               std::function<void(std::optional<api::Fault>)> done) override {
    note("preload " + std::string(model) + " " +
         (keep_alive ? std::to_string(keep_alive->count()) : "as set"));
    done(refusal(model));
  }
  void unload(std::string_view model) override { note("unload " + std::string(model)); }

  std::variant<std::vector<text::Token>, api::Fault> tokenize(std::string_view model,
                                                              const api::Prompt& prompt,
                                                              bool bos) override {
    if (const auto fault = refusal(model)) return *fault;
    std::vector<text::Token> tokens;
    if (bos) tokens.push_back(1);
    if (const auto* plain = std::get_if<api::PlainText>(&prompt))
      for (const char c : plain->text) tokens.push_back(static_cast<unsigned char>(c));
    if (const auto* conversation = std::get_if<api::Conversation>(&prompt))
      tokens.resize(conversation->messages.size() * 10, 7);
    return tokens;
  }
  std::variant<std::string, api::Fault> detokenize(std::string_view model,
                                                   std::span<const text::Token> tokens) override {
    if (const auto fault = refusal(model)) return *fault;
    std::string text;
    for (const text::Token token : tokens) text += static_cast<char>(token);
    return text;
  }
  std::variant<std::string, api::Fault> apply_template(
      std::string_view model, const api::Conversation& conversation) override {
    if (const auto fault = refusal(model)) return *fault;
    std::string text;
    for (const chat::Message& message : conversation.messages)
      text += "<" + message.role + ">" + message.content;
    return text;
  }
  Result<std::shared_ptr<const gguf::File>> file(std::string_view) override {
    return Error{Code::kIo, "this router has no files"};
  }
  void drain() override { note("drain"); }
  bool idle() const override { return true; }

  // What the test says.
  FakeRouter() {
    router::ModelInfo info;
    info.name = "mill";
    info.architecture = "llama";
    info.quantization = "Q4_K_M";
    info.digest = std::string(64, 'a');
    info.context = 2048;
    info.parameters = 135'000'000;
    info.state = router::State::kLoaded;
    models_.push_back(info);
    info.name = "lib/wheel:7b";
    info.state = router::State::kUnloaded;
    models_.push_back(info);
  }
  /// Every request from now on gets this fault at once.
  void refuse(std::optional<api::Fault> fault) {
    const std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
  }
  void set_stats(std::vector<router::ModelStats> stats) {
    const std::lock_guard lock(mutex_);
    stats_ = std::move(stats);
  }
  /// Waits until `count` requests have been submitted; false after some seconds.
  bool wait_for(size_t count) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return asked_.size() >= count; });
  }
  bool wait_for_cancel(size_t index) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience,
                             [&] { return asked_.size() > index && asked_.at(index).cancelled; });
  }
  bool wait_for_note(const std::string& text) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] {
      return std::find(notes_.begin(), notes_.end(), text) != notes_.end();
    });
  }
  size_t count() const {
    const std::lock_guard lock(mutex_);
    return asked_.size();
  }
  Asked asked(size_t index) const {
    const std::lock_guard lock(mutex_);
    return asked_.at(index);
  }
  bool cancelled(size_t index) const { return asked(index).cancelled; }

  void event(size_t index, router::Event event) { asked(index).sink(std::move(event)); }
  void start(size_t index, int prompt_tokens = 5) {
    event(index, router::Started{{prompt_tokens, 0, 0, 0}});
  }
  void text(size_t index, std::string content) {
    api::Delta delta;
    delta.content = std::move(content);
    event(index, std::move(delta));
  }
  void end(size_t index, int tokens = 2, api::Finish finish = api::Finish::kStop) {
    event(index, api::ChoiceEnd{0, finish, {}, {}});
    event(index, api::End{{5, 2, tokens, 0}, {0.001, 0, 0.05, 0.049, 0.2, 0.25}});
  }

 private:
  static constexpr std::chrono::seconds kPatience{30};

  class FakeTicket final : public router::Ticket {
   public:
    FakeTicket(FakeRouter& router, size_t index) : router_(router), index_(index) {}
    ~FakeTicket() override { router_.cancel(index_); }

   private:
    FakeRouter& router_;
    size_t index_;
  };

  std::unique_ptr<router::Ticket> keep(Asked asked) {
    const std::lock_guard lock(mutex_);
    asked_.push_back(std::move(asked));
    changed_.notify_all();
    return std::make_unique<FakeTicket>(*this, asked_.size() - 1);
  }
  void cancel(size_t index) {
    const std::lock_guard lock(mutex_);
    if (index < asked_.size()) asked_[index].cancelled = true;
    changed_.notify_all();
  }
  std::optional<api::Fault> refusal(std::string_view model) const {
    if (!find(model))
      return api::Fault{api::Fault::Kind::kNotFound, "there is no such model", "model"};
    const std::lock_guard lock(mutex_);
    return fault_;
  }
  void note(std::string text) {
    const std::lock_guard lock(mutex_);
    notes_.push_back(std::move(text));
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<router::ModelInfo> models_;
  std::vector<router::ModelStats> stats_;
  std::vector<Asked> asked_;
  std::vector<std::string> notes_;
  std::optional<api::Fault> fault_;
};

}  // namespace handmill::serve
