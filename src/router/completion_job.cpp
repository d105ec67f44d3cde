#include "router/completion_job.h"

#include <algorithm>
#include <spdlog/spdlog.h>
#include <utility>

#include "router/prepare.h"

namespace handmill::router {

CompletionJob::CompletionJob(std::shared_ptr<const Front> front, api::Completion completion,
                             std::vector<chat::Prompt> prompts, Owner owner, Sink sink,
                             Clock::time_point accepted, Observed observed)
    : Job(accepted),
      front_(std::move(front)),
      completion_(std::move(completion)),
      prompts_(std::move(prompts)),
      owner_(owner),
      sink_(std::move(sink)),
      observed_(std::move(observed)),
      choices_(prompts_.size() * static_cast<size_t>(completion_.choices)) {}

CompletionJob::~CompletionJob() { end_runs(); }

/// Those that came to no end of their own.
void CompletionJob::end_runs() {
  for (Choice& choice : choices_)
    if (choice.run != 0) observed_.observer->ended(std::exchange(choice.run, 0), {});
}

/// The context is known now: it may be less than the model's own.
bool CompletionJob::fit(const engine::Engine& engine) {
  const int positions =
      positions_for(std::min(engine.context(), engine.model_context()), completion_.context);
  const auto fits = [positions](const chat::Prompt& prompt) {
    return prompt.tokens.size() <= static_cast<size_t>(positions);
  };
  if (!std::all_of(prompts_.begin(), prompts_.end(), fits)) {
    auto prepared = prepare(*front_, completion_, positions);
    if (auto* fault = std::get_if<api::Fault>(&prepared)) {
      fail(std::move(*fault));
      return false;
    }
    prompts_ = std::get<std::vector<chat::Prompt>>(std::move(prepared));
  }
  return true;
}

void CompletionJob::start(engine::Engine& engine) {
  if (!fit(engine)) return;
  for (const chat::Prompt& prompt : prompts_)
    usage_.prompt_tokens += static_cast<int>(prompt.tokens.size());
  submitted_ = Clock::now();
  const auto self = shared_from_this();
  for (size_t i = 0; i < choices_.size(); ++i) {
    listen(i);
    observe(i, engine);
    auto id = engine.submit(request(i),
                            [this, self, i](const engine::Event& event) { on_event(i, event); });
    if (!id.ok()) {
      cancel(engine);
      return fail(not_taken(id.error(), "prompt"));
    }
    choices_[i].id = *id;
  }
}

/// Only a conversation's answer has a <think> part: plain text is continued as it is.
void CompletionJob::listen(size_t index) {
  const size_t prompt = index / static_cast<size_t>(completion_.choices);
  if (!std::holds_alternative<api::Conversation>(completion_.prompts[prompt])) return;
  Choice& choice = choices_[index];
  choice.thinking = choice.after_tag = prompts_[prompt].thinking;
  choice.splitter.emplace(choice.thinking, [this, &choice](std::string_view text, bool thinking) {
    show(choice, text, thinking);
  });
}

/// Logits for a whole prompt are work that no prediction counts, and a GPU's is another machine's.
void CompletionJob::observe(size_t index, const engine::Engine& engine) {
  if (observed_.observer == nullptr || completion_.prompt_logprobs || engine.uses_gpu()) return;
  choices_[index].run =
      observed_.observer->begun(observed_.model, static_cast<int>(prompt_of(index).tokens.size()));
}

engine::Request CompletionJob::request(size_t index) const {
  engine::Request request;
  request.prompt = prompt_of(index).tokens;
  request.sampling = completion_.sampling;
  if (request.sampling.seed)
    *request.sampling.seed += index % static_cast<size_t>(completion_.choices);
  // Where nothing is to be made, the prompt is still computed for what is asked of it.
  request.max_tokens = completion_.max_tokens == 0 ? 1 : completion_.max_tokens;
  request.stop = completion_.stop;
  request.ignore_end = completion_.ignore_end;
  request.context = completion_.context;
  request.logprobs = completion_.logprobs;
  request.prompt_logprobs = completion_.prompt_logprobs;
  request.priority = completion_.priority;
  request.owner = owner_;
  return request;
}

void CompletionJob::cancel(engine::Engine& engine) {
  for (const Choice& choice : choices_)
    if (choice.id != 0 && !choice.ended) engine.cancel(choice.id);
}

/// Nothing may be thrown through the engine's step.
void CompletionJob::on_event(size_t index, const engine::Event& event) {
  if (ended_) return;
  try {
    tell(index, event);
  } catch (const std::exception& e) {
    fail({api::Fault::Kind::kInternal, e.what()});
  }
}

void CompletionJob::tell(size_t index, const engine::Event& event) {
  Choice& choice = choices_[index];
  if (event.finish == engine::Finish::kError)
    return fail({api::Fault::Kind::kInternal, event.error});
  const bool first_of_prompt = index % static_cast<size_t>(completion_.choices) == 0;
  if (first_of_prompt && event.timings.cached_tokens > choice.cached) {
    usage_.cached_tokens += event.timings.cached_tokens - choice.cached;
    choice.cached = event.timings.cached_tokens;
  }
  const bool token = event.token != text::kNoToken;
  if (token && !choice.begun) begin(choice, index);
  for (const engine::TokenLogprob& logprob : event.prompt_logprobs)
    choice.prompt_logprobs.push_back(told(logprob));
  if (completion_.max_tokens != 0) {
    api::Delta delta;
    delta.choice = static_cast<int>(index);
    add_text(choice, event, delta);
    const bool end_token = event.finish == engine::Finish::kStop && event.stop.empty();
    if (token && completion_.logprobs >= 0 && !end_token)
      delta.logprobs.push_back(told(event.logprob));
    if (!delta.content.empty() || !delta.reasoning.empty() || !delta.logprobs.empty())
      emit(std::move(delta));
  }
  if (event.finish) end_choice(index, event);
}

void CompletionJob::begin(Choice& choice, size_t index) {
  choice.begun = true;
  if (!started_) emit(Started{usage_});
  started_ = true;
  if (!completion_.echo) return;
  api::Delta echo;
  echo.choice = static_cast<int>(index);
  echo.content = prompt_of(index).text;
  emit(std::move(echo));
}

void CompletionJob::add_text(Choice& choice, const engine::Event& event, api::Delta& delta) {
  delta_ = &delta;
  const bool inside = choice.splitter && choice.splitter->inside();
  if (choice.splitter) {
    choice.splitter->push(event.text);
    if (event.finish) choice.splitter->finish();
  } else {
    delta.content += event.text;
  }
  if (event.token == text::kNoToken) return;
  ++usage_.completion_tokens;
  // The tags belong to the thought.
  if (inside || (choice.splitter && choice.splitter->inside())) ++usage_.reasoning_tokens;
}

/// White space between a tag and the words is the tag's, not the answer's.
void CompletionJob::show(Choice& choice, std::string_view text, bool thinking) {
  if (thinking != choice.thinking) choice.after_tag = true;
  choice.thinking = thinking;
  if (choice.after_tag) {
    const size_t word = text.find_first_not_of(" \t\r\n");
    if (word == std::string_view::npos) return;
    text.remove_prefix(word);
    choice.after_tag = false;
  }
  (thinking ? delta_->reasoning : delta_->content) += text;
}

void CompletionJob::end_choice(size_t index, const engine::Event& event) {
  Choice& choice = choices_[index];
  choice.ended = true;
  api::Timings timings = this->timings(event.timings, submitted_);
  if (choice.run != 0)
    timings.roofs = observed_.observer->ended(std::exchange(choice.run, 0), event.timings);
  if (timings.ttft_s + timings.decode_s >= timings_.ttft_s + timings_.decode_s) timings_ = timings;
  api::ChoiceEnd end;
  end.choice = static_cast<int>(index);
  end.finish = static_cast<api::Finish>(*event.finish);
  if (completion_.max_tokens == 0 && *event.finish != engine::Finish::kCancelled)
    end.finish = api::Finish::kLength;
  end.stop = event.stop;
  end.prompt_logprobs = std::move(choice.prompt_logprobs);
  emit(std::move(end));
  if (++ended_choices_ < choices_.size() || ended_) return;
  timings_.total_s = seconds(Clock::now() - accepted_);
  ended_ = true;
  emit(api::End{usage_, timings_});
}

api::TokenLogprob CompletionJob::told(const engine::TokenLogprob& logprob) const {
  const auto likely = [this](const engine::Likely& one) {
    return api::Likely{one.token, front_->tokenizer->token_bytes(one.token, true), one.logprob};
  };
  api::TokenLogprob told{likely(logprob.chosen), {}};
  for (const engine::Likely& one : logprob.top) told.top.push_back(likely(one));
  return told;
}

void CompletionJob::end_cancelled() {
  if (ended_) return;
  for (size_t i = 0; i < choices_.size(); ++i)
    emit(api::ChoiceEnd{static_cast<int>(i), api::Finish::kCancelled, {}, {}});
  ended_ = true;
  timings_.load_s = timings_.queue_s = timings_.total_s = seconds(Clock::now() - accepted_);
  emit(api::End{usage_, timings_});
}

void CompletionJob::fail(api::Fault fault) {
  if (ended_) return;
  ended_ = unwanted_ = true;
  end_runs();
  emit(std::move(fault));
}

/// A client that cannot be told is gone.
void CompletionJob::emit(Event event) {
  try {
    sink_(std::move(event));
  } catch (const std::exception& e) {
    spdlog::error("a request's sink failed: {}", e.what());
    unwanted_ = true;
    sink_ = [](const Event&) {};
  }
}

}  // namespace handmill::router
