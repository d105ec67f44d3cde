// A completion: a sequence for every choice, and their events put together as one request's.
#pragma once

#include <optional>
#include <vector>

#include "chat/prompt.h"
#include "chat/thinking.h"
#include "router/front.h"
#include "router/job.h"
#include "router/observer.h"
#include "router/router.h"

namespace handmill::router {

/// Who is told of the runs, under which name of the model.
struct Observed {
  std::shared_ptr<Observer> observer;  // or none
  std::string model;
};

class CompletionJob final : public Job {
 public:
  /// `prompts` are the completion's, prepared.
  CompletionJob(std::shared_ptr<const Front> front, api::Completion completion,
                std::vector<chat::Prompt> prompts, Owner owner, Sink sink,
                Clock::time_point accepted, Observed observed = {});
  ~CompletionJob() override;

  void start(engine::Engine& engine) override;
  void cancel(engine::Engine& engine) override;
  void end_cancelled() override;
  void fail(api::Fault fault) override;

 private:
  struct Choice {
    engine::RequestId id = 0;                        // 0: not queued
    std::optional<chat::ThinkingSplitter> splitter;  // of a conversation's answer
    bool begun = false, ended = false;
    bool thinking = false;   // in the text so far
    bool after_tag = false;  // and nothing but white space since
    int cached = 0;
    Observer::Run run = 0;  // 0: none is told
    std::vector<api::TokenLogprob> prompt_logprobs = {};
  };

  bool fit(const engine::Engine& engine);
  void listen(size_t choice);
  void observe(size_t choice, const engine::Engine& engine);
  void end_runs();
  engine::Request request(size_t choice) const;
  void on_event(size_t choice, const engine::Event& event);
  void tell(size_t choice, const engine::Event& event);
  void begin(Choice& choice, size_t index);
  void add_text(Choice& choice, const engine::Event& event, api::Delta& delta);
  void show(Choice& choice, std::string_view text, bool thinking);
  void end_choice(size_t choice, const engine::Event& event);
  api::TokenLogprob told(const engine::TokenLogprob& logprob) const;
  void emit(Event event);

  const chat::Prompt& prompt_of(size_t choice) const {
    return prompts_[choice / static_cast<size_t>(completion_.choices)];
  }

  std::shared_ptr<const Front> front_;
  api::Completion completion_;
  std::vector<chat::Prompt> prompts_;
  Owner owner_;
  Sink sink_;
  Observed observed_;
  Clock::time_point submitted_;
  std::vector<Choice> choices_;
  size_t ended_choices_ = 0;
  bool started_ = false;  // the client was told
  api::Usage usage_;
  api::Timings timings_;
  api::Delta* delta_ = nullptr;  // that show() adds to
};

}  // namespace handmill::router
