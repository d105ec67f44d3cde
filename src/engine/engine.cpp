// The step: schedule, run, commit.
#include "engine/engine.h"

#include <algorithm>
#include <chrono>
#include <spdlog/spdlog.h>

#include "base/error.h"
#include "engine/batch.h"
#include "engine/embedding.h"
#include "engine/logprobs.h"
#include "engine/outputs.h"
#include "engine/parts.h"
#include "engine/scheduler.h"
#include "engine/sequence.h"
#include "engine/speculation.h"
#include "kv/cache.h"

namespace handmill::engine {
namespace {

/// A quarter of a step, but no less than a block: the products are efficient still, and a stream
/// that runs beside a long prompt waits for a token a quarter as long as for a whole step.
int beside_tokens(int batch_tokens) {
  return std::min(batch_tokens, std::max(backend::kKvBlock, batch_tokens / 4));
}

class LocalEngine final : public Engine {
 public:
  LocalEngine(Parts parts, Options options);

  std::shared_ptr<const text::Tokenizer> tokenizer() const override { return parts_.tokenizer; }
  int context() const override { return parts_.context; }
  int model_context() const override { return parts_.config.context; }
  std::string description() const override {
    return broken_.ok() ? parts_.backend->description() : broken_.error().message;
  }
  bool uses_gpu() const override { return parts_.on_gpu; }
  int threads() const override { return parts_.threads; }
  uint64_t weight_bytes() const override {
    return broken_.ok() ? parts_.model->bytes_per_token() : 0;
  }
  uint64_t kv_bytes_per_token() const override {
    return broken_.ok() ? parts_.store->block_bytes() / backend::kKvBlock : 0;
  }
  const model::Work& work() const override { return work_; }
  Result<backend::Roofs> measure_roofs() override {
    HANDMILL_OK(broken_);
    return parts_.backend->measure_roofs();
  }

  Result<RequestId> submit(Request request, Sink sink) override;
  Result<RequestId> submit(EmbedRequest request, EmbedSink sink) override;
  void cancel(RequestId id) override;
  bool step() override;
  Status score(std::span<const text::Token> tokens,
               const std::function<void(size_t, std::span<const float>)>& row) override;
  Stats stats() const override;
  int width() const override { return parts_.config.width; }
  void clear_cache() override {
    cache_.clear();
    speculation_.clear_cache();
  }

 private:
  bool end_cancelled();
  void retire();
  void fail_over(const Error& fault);
  void run(std::span<const Slice> plan);
  void read_whole_texts(std::span<const Slice> plan);
  void commit(std::span<const Slice> plan);
  void pick(Sequence& sequence, size_t row);
  void count_prompt(const Task& task);
  Status check_tokens(std::span<const text::Token> tokens) const;
  /// visit(i, logits) for every i below `count`, of the batch's row first_row + i.
  template <class F>
  void for_each_logits(int first_row, int count, F visit);
  /// Positions of one sequence.
  int positions_max() const { return std::min(context(), model_context()); }
  int sampled_vocab() const {
    return std::min(parts_.tokenizer->vocab_size(), parts_.config.vocab);
  }

  Speculation make_speculation() {
    return {parts_.speculate, parts_.draft.get(),
            std::min(parts_.prefill_chunk, parts_.max_outputs), parts_.max_sequences};
  }

  Options options_;
  Parts parts_;
  Status broken_;  // why nothing can be computed any more
  kv::Cache cache_;
  Scheduler scheduler_;
  Speculation speculation_;
  FlatBatch batch_;
  Outputs outputs_;           // of the last run
  std::vector<float> row_;    // [vocab]
  std::vector<float> state_;  // [width]
  std::vector<int32_t> rows_;
  model::Work work_;
  Stats stats_;  // its counters of tokens and steps
  RequestId last_id_ = 0;
};

LocalEngine::LocalEngine(Parts parts, Options options)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      cache_(parts_.store->blocks()),
      scheduler_(cache_, {.batch_tokens = parts_.prefill_chunk,
                          .beside_tokens = beside_tokens(parts_.prefill_chunk),
                          .sequences_max = parts_.max_sequences,
                          .positions_max = positions_max()}),
      speculation_(make_speculation()),
      batch_(static_cast<size_t>(parts_.prefill_chunk), static_cast<size_t>(parts_.max_sequences),
             static_cast<size_t>(parts_.max_outputs)),
      outputs_(parts_.max_outputs, parts_.config.vocab, sampled_vocab()),
      row_(static_cast<size_t>(parts_.config.vocab)),
      state_(static_cast<size_t>(width())) {}

Status LocalEngine::check_tokens(std::span<const text::Token> tokens) const {
  HANDMILL_OK(broken_);
  const int vocab = parts_.config.vocab;
  for (size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i] < 0 || tokens[i] >= vocab)
      return base::invalid("token {} at {} is outside the vocabulary of {}", tokens[i], i, vocab);
  if (tokens.empty()) return base::invalid("no tokens");
  if (tokens.size() > static_cast<size_t>(positions_max()))
    return base::limit("{} tokens do not fit into the context of {}", tokens.size(),
                       positions_max());
  return {};
}

Result<RequestId> LocalEngine::submit(Request request, Sink sink) {
  if (request.context < 0)
    return base::invalid("context is {}; it must be at least 1, or 0 for the engine's own",
                         request.context);
  HANDMILL_OK(check_tokens(request.prompt));
  // The last token of an answer takes no position.
  const int positions =
      request.context == 0 ? positions_max() : std::min(request.context - 1, positions_max());
  if (request.prompt.size() > static_cast<size_t>(positions))
    return base::limit("a prompt of {} tokens and its answer do not fit into the context of {}",
                       request.prompt.size(), positions + 1);
  HANDMILL_OK(sample::validate(request.sampling, sampled_vocab()));
  HANDMILL_OK(StopMatcher::validate(request.stop));
  if (request.max_tokens < -1 || request.max_tokens == 0)
    return base::invalid("max_tokens is {}; it must be at least 1, or -1 for no limit",
                         request.max_tokens);
  if (request.logprobs < -1 || request.logprobs > kLogprobsMax)
    return base::invalid("logprobs is {}; it must be 0 to {}, or -1 for none", request.logprobs,
                         kLogprobsMax);
  scheduler_.add(std::make_unique<Sequence>(++last_id_, std::move(request), std::move(sink),
                                            parts_.tokenizer, sampled_vocab(), positions));
  return last_id_;
}

Result<RequestId> LocalEngine::submit(EmbedRequest request, EmbedSink sink) {
  HANDMILL_OK(check_tokens(request.tokens));
  scheduler_.add(std::make_unique<Embedding>(++last_id_, std::move(request), std::move(sink),
                                             positions_max(), parts_.config.pooling, width()));
  return last_id_;
}

void LocalEngine::cancel(RequestId id) {
  scheduler_.for_each([id](Task& task) {
    if (task.id() == id) task.cancel();
  });
}

bool LocalEngine::step() {
  const bool cancelled = end_cancelled();
  const std::span<const Slice> plan = scheduler_.schedule();
  if (plan.empty()) return cancelled;
  if (scheduler_.running() > 1)
    scheduler_.for_each([](Task& task) {
      if (task.started()) task.share();
    });
  speculation_.propose(plan, cache_);
  run(plan);
  if (const Status fault = parts_.backend->fault(); !fault.ok())
    fail_over(fault.error());
  else
    commit(plan);
  return true;
}

bool LocalEngine::end_cancelled() {
  bool any = false;
  scheduler_.for_each([&any](Task& task) {
    if (!task.cancelled()) return;
    task.end(Finish::kCancelled);
    any = true;
  });
  if (any) retire();
  return any;
}

void LocalEngine::retire() {
  scheduler_.for_each([this](Task& task) {
    if (task.ended() && task.sequence() != nullptr) speculation_.release(*task.sequence());
  });
  scheduler_.retire();
}

/// A device's memory is lost, and with it what every running task had computed. Those end; the ones
/// that wait, and all that come, are the processor's.
void LocalEngine::fail_over(const Error& fault) {
  spdlog::error("{}; from now on {} runs on the processor", fault.message, parts_.file->path());
  scheduler_.for_each([&](Task& task) {
    if (task.sequence() != nullptr) speculation_.release(*task.sequence());
    if (!task.table.empty()) task.end(Finish::kError, fault.message);
  });
  retire();
  clear_cache();
  outputs_.clear();
  options_.gpu.device = kNoGpu;
  options_.context = parts_.context;  // waiting tasks were let in for it
  parts_.release();
  auto parts = make_parts(parts_.file, options_, {});
  if (parts.ok()) parts_ = std::move(*parts);
  speculation_ = make_speculation();
  if (parts.ok()) return;
  broken_ = base::make_error(parts.error().code, "{}, and the processor cannot go on: {}",
                             fault.message, parts.error().message);
  scheduler_.for_each([&](Task& task) { task.end(Finish::kError, broken_.error().message); });
  scheduler_.retire();
}

void LocalEngine::run(std::span<const Slice> plan) {
  batch_.clear();
  outputs_.clear();
  size_t outputs = 0;  // rows whose logits are wanted, those of whole prompts too
  for (const auto& [task, count] : plan) {
    const auto tokens =
        task->tokens().subspan(static_cast<size_t>(task->computed()), static_cast<size_t>(count));
    batch_.add(tokens, task->computed(), task->table);
    const Sequence* sequence = task->sequence();
    if (sequence != nullptr && sequence->wants_prompt_logprobs())
      outputs += static_cast<size_t>(count);
    if (count < task->pending() || sequence == nullptr) continue;
    batch_.want_last();
    outputs_.want(*sequence);
    int position = task->length();
    for (const text::Token token : sequence->guess.proposal) {
      batch_.add_row(token, position++);
      batch_.want_last();
      outputs_.want(*sequence);
    }
  }
  outputs += batch_.outputs().size();
  work_ += parts_.model->work(batch_.view(), outputs, *parts_.store);
  const auto start = std::chrono::steady_clock::now();
  parts_.model->forward(batch_.tokens(), batch_.view(), *parts_.store, {});
  read_whole_texts(plan);
  // What was asked for may still be under way until then.
  outputs_.read(*parts_.backend, parts_.model->logits(batch_.outputs()));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  speculation_.ran(plan, seconds.count());
  ++stats_.steps;
}

/// What every position gives, to those that want it: hidden states, or logits of a prompt.
void LocalEngine::read_whole_texts(std::span<const Slice> plan) {
  const backend::Array* hidden = nullptr;
  int row = 0;
  for (const auto& [task, count] : plan) {
    Sequence* sequence = task->sequence();
    if (Embedding* embedding = task->embedding()) {
      if (hidden == nullptr) hidden = &parts_.model->hidden(batch_.view().size());
      for (int i = 0; i < count; ++i) {
        parts_.backend->read(*hidden, static_cast<size_t>(row + i), state_);
        embedding->add(task->computed() + i, state_);
      }
    } else if (sequence->wants_prompt_logprobs()) {
      const auto sampled = static_cast<size_t>(sampled_vocab());
      for_each_logits(row, count, [&](int i, std::span<const float> logits) {
        sequence->add_prompt_logits(task->computed() + i, logits.first(sampled));
      });
    }
    row += count;
    if (sequence != nullptr) row += static_cast<int>(sequence->guess.proposal.size());
  }
}

template <class F>
void LocalEngine::for_each_logits(int first_row, int count, F visit) {
  for (int done = 0; done < count; done += static_cast<int>(rows_.size())) {
    rows_.clear();
    for (int i = done; i < std::min(count, done + parts_.max_outputs); ++i)
      rows_.push_back(first_row + i);
    const backend::Array& logits = parts_.model->logits(rows_);
    for (size_t i = 0; i < rows_.size(); ++i) {
      parts_.backend->read(logits, i, row_);
      visit(done + static_cast<int>(i), std::span<const float>(row_));
    }
  }
}

void LocalEngine::commit(std::span<const Slice> plan) {
  size_t row = 0;
  bool ended = false;
  for (const auto& [task, count] : plan) {
    task->advance(count);
    if (task->pending() == 0) {
      count_prompt(*task);
      if (Sequence* sequence = task->sequence()) {
        const size_t rows = 1 + sequence->guess.proposal.size();
        pick(*sequence, row);
        row += rows;
      } else {
        task->embedding()->finish();
      }
    }
    cache_.publish(task->table, task->tokens().first(static_cast<size_t>(task->computed())));
    ended |= task->ended();
  }
  if (ended) retire();
}

/// As many tokens as were foreseen, and one more.
void LocalEngine::pick(Sequence& sequence, size_t row) {
  const int before = sequence.timings().generated_tokens;
  while (outputs_.pick(sequence, row++)) sequence.advance(1);  // what was foreseen is computed
  stats_.generated_tokens += static_cast<uint64_t>(sequence.timings().generated_tokens - before);
  stats_.proposed_tokens += sequence.guess.proposal.size();
  stats_.accepted_tokens += static_cast<uint64_t>(sequence.guess.accepted);
  speculation_.verified(sequence);
}

/// Once, when it is computed for the first time.
void LocalEngine::count_prompt(const Task& task) {
  if (task.timings().generated_tokens > 0) return;
  stats_.prompt_tokens += static_cast<uint64_t>(task.timings().prompt_tokens);
  stats_.cached_tokens += static_cast<uint64_t>(task.timings().cached_tokens);
}

Stats LocalEngine::stats() const {
  Stats stats = stats_;
  stats.preemptions = scheduler_.preemptions();
  stats.running = static_cast<int>(scheduler_.running());
  stats.waiting = static_cast<int>(scheduler_.waiting());
  stats.kv_blocks = cache_.blocks();
  stats.kv_free = cache_.free_blocks();
  return stats;
}

Status LocalEngine::score(std::span<const text::Token> tokens,
                          const std::function<void(size_t, std::span<const float>)>& row) {
  HANDMILL_OK(check_tokens(tokens));
  kv::BlockTable table;
  if (!cache_.grow(table, static_cast<int>(tokens.size())))
    return base::limit("{} tokens need {} blocks of the key/value cache; {} are free",
                       tokens.size(), kv::blocks_for(static_cast<int>(tokens.size())),
                       cache_.free_blocks());
  const auto chunk = static_cast<size_t>(parts_.prefill_chunk);
  for (size_t first = 0; first < tokens.size(); first += chunk) {
    const size_t count = std::min(chunk, tokens.size() - first);
    batch_.clear();
    batch_.add(tokens.subspan(first, count), static_cast<int>(first), table);
    parts_.model->forward(batch_.tokens(), batch_.view(), *parts_.store, {});
    for_each_logits(0, static_cast<int>(count), [&](int i, std::span<const float> logits) {
      row(first + static_cast<size_t>(i), logits);
    });
    const Status fault = parts_.backend->fault();
    if (fault.ok()) continue;
    cache_.release(table);
    fail_over(fault.error());
    return fault;
  }
  cache_.release(table);
  return {};
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(std::shared_ptr<const gguf::File> file,
                                             const Options& options,
                                             const base::Progress& progress) {
  HANDMILL_TRY(Parts parts, make_parts(std::move(file), options, progress));
  return std::unique_ptr<Engine>(std::make_unique<LocalEngine>(std::move(parts), options));
}

}  // namespace handmill::engine
