// The step: schedule, run, commit.
#include "engine/engine.h"

#include <algorithm>
#include <chrono>

#include "backend/cpu/cpu.h"
#include "base/error.h"
#include "engine/batch.h"
#include "engine/context.h"
#include "engine/draft.h"
#include "engine/scheduler.h"
#include "engine/sequence.h"
#include "engine/speculation.h"
#include "engine/stop.h"
#include "kv/cache.h"
#include "model/model.h"
#include "model/panels.h"
#include "probe/machine.h"

namespace handmill::engine {
namespace {

constexpr int kThreadsMax = 1024;
constexpr int kContextMax = 1 << 26;
constexpr int kPrefillChunkMax = 1 << 14;
constexpr int kSequencesMax = 1024;
constexpr int kOutputsMin = 16;  // rows whose logits score() computes at once, or speculation fills

Status in_range(const char* name, int value, int min, int max) {
  if (value >= min && value <= max) return {};
  return base::invalid("{} is {}; it must be {} to {}", name, value, min, max);
}

Status validate(const Options& options) {
  HANDMILL_OK(in_range("threads", options.threads, 0, kThreadsMax));
  HANDMILL_OK(in_range("context", options.context, 0, kContextMax));
  HANDMILL_OK(in_range("prefill_chunk", options.prefill_chunk, 1, kPrefillChunkMax));
  return in_range("max_sequences", options.max_sequences, 1, kSequencesMax);
}

/// What an engine is made of, in the order in which it is made.
struct Parts {
  std::shared_ptr<const gguf::File> file;
  int threads;
  std::shared_ptr<const text::Tokenizer> tokenizer;
  std::unique_ptr<backend::Backend> backend;
  std::unique_ptr<model::Model> model;
  std::unique_ptr<backend::KvStore> store;
  std::unique_ptr<Draft> draft;  // or none
  int context;                   // positions of the store
  int prefill_chunk;             // rows of a batch
  int max_sequences;
  int max_outputs;  // rows of a batch whose logits are wanted
  Speculate speculate;
};

class LocalEngine final : public Engine {
 public:
  explicit LocalEngine(Parts parts);

  std::shared_ptr<const text::Tokenizer> tokenizer() const override { return parts_.tokenizer; }
  int context() const override { return parts_.context; }
  int model_context() const override { return parts_.model->config().context; }
  std::string description() const override { return parts_.backend->description(); }
  int threads() const override { return parts_.threads; }
  uint64_t weight_bytes() const override { return parts_.model->bytes_per_token(); }
  uint64_t kv_bytes_per_token() const override {
    return parts_.store->block_bytes() / backend::kKvBlock;
  }
  const model::Work& work() const override { return work_; }
  Result<backend::Roofs> measure_roofs() override { return parts_.backend->measure_roofs(); }

  Result<RequestId> submit(Request request, Sink sink) override;
  void cancel(RequestId id) override;
  bool step() override;
  Status score(std::span<const text::Token> tokens,
               const std::function<void(size_t, std::span<const float>)>& row) override;
  void clear_cache() override {
    cache_.clear();
    speculation_.clear_cache();
  }

 private:
  bool end_cancelled();
  void retire();
  void run(std::span<const Slice> plan);
  void commit(std::span<const Slice> plan);
  Status check_tokens(std::span<const text::Token> tokens) const;
  /// Positions of one sequence.
  int positions_max() const { return std::min(context(), model_context()); }
  int sampled_vocab() const {
    return std::min(parts_.tokenizer->vocab_size(), parts_.model->config().vocab);
  }

  Parts parts_;
  kv::Cache cache_;
  Scheduler scheduler_;
  Speculation speculation_;
  FlatBatch batch_;
  const backend::Array* logits_ = nullptr;  // of the last run
  std::vector<float> row_;                  // [vocab]
  model::Work work_;
  RequestId last_id_ = 0;
};

LocalEngine::LocalEngine(Parts parts)
    : parts_(std::move(parts)),
      cache_(parts_.store->blocks()),
      scheduler_(cache_, {parts_.prefill_chunk, parts_.max_sequences, positions_max()}),
      speculation_(parts_.speculate, parts_.draft.get(),
                   std::min(parts_.prefill_chunk, parts_.max_outputs), parts_.max_sequences,
                   positions_max()),
      batch_(static_cast<size_t>(parts_.prefill_chunk), static_cast<size_t>(parts_.max_sequences),
             static_cast<size_t>(parts_.max_outputs)),
      row_(static_cast<size_t>(parts_.model->config().vocab)) {}

Status LocalEngine::check_tokens(std::span<const text::Token> tokens) const {
  const int vocab = parts_.model->config().vocab;
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
  HANDMILL_OK(check_tokens(request.prompt));
  HANDMILL_OK(sample::validate(request.sampling, sampled_vocab()));
  HANDMILL_OK(StopMatcher::validate(request.stop));
  if (request.max_tokens < -1 || request.max_tokens == 0)
    return base::invalid("max_tokens is {}; it must be at least 1, or -1 for no limit",
                         request.max_tokens);
  scheduler_.add(std::make_unique<Sequence>(++last_id_, std::move(request), std::move(sink),
                                            parts_.tokenizer, sampled_vocab()));
  return last_id_;
}

void LocalEngine::cancel(RequestId id) {
  scheduler_.for_each([id](Sequence& sequence) {
    if (sequence.id() == id) sequence.cancel();
  });
}

bool LocalEngine::step() {
  const bool cancelled = end_cancelled();
  const std::span<const Slice> plan = scheduler_.schedule();
  if (plan.empty()) return cancelled;
  speculation_.propose(plan, cache_);
  run(plan);
  commit(plan);
  return true;
}

bool LocalEngine::end_cancelled() {
  bool any = false;
  scheduler_.for_each([&any](Sequence& sequence) {
    if (!sequence.cancelled()) return;
    sequence.end(Finish::kCancelled);
    any = true;
  });
  if (any) retire();
  return any;
}

void LocalEngine::retire() {
  scheduler_.for_each([this](Sequence& sequence) {
    if (sequence.ended()) speculation_.release(sequence);
  });
  scheduler_.retire();
}

void LocalEngine::run(std::span<const Slice> plan) {
  batch_.clear();
  for (const auto& [sequence, count] : plan) {
    const auto tokens = sequence->tokens().subspan(static_cast<size_t>(sequence->computed()),
                                                   static_cast<size_t>(count));
    batch_.add(tokens, sequence->computed(), sequence->table);
    if (count < sequence->pending()) continue;
    batch_.want_last();
    int position = sequence->length();
    for (const text::Token token : sequence->guess.proposal) {
      batch_.add_row(token, position++);
      batch_.want_last();
    }
  }
  work_ += parts_.model->work(batch_.view(), batch_.outputs().size(), *parts_.store);
  const auto start = std::chrono::steady_clock::now();
  logits_ = &parts_.model->forward(batch_.tokens(), batch_.view(), *parts_.store, batch_.outputs());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  speculation_.ran(plan, seconds.count());
}

void LocalEngine::commit(std::span<const Slice> plan) {
  const auto sampled = static_cast<size_t>(sampled_vocab());
  size_t output = 0;
  bool ended = false;
  for (const auto& [sequence, count] : plan) {
    sequence->advance(count);
    if (sequence->pending() == 0) {
      size_t row = output;
      output += 1 + sequence->guess.proposal.size();
      const auto pick = [&] {
        parts_.backend->read(*logits_, row++, row_);
        return sequence->pick(std::span(row_).first(sampled), positions_max());
      };
      while (pick()) sequence->advance(1);  // what was foreseen is computed already
      speculation_.verified(*sequence);
    }
    cache_.publish(sequence->table,
                   sequence->tokens().first(static_cast<size_t>(sequence->computed())));
    ended |= sequence->ended();
  }
  if (ended) retire();
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
  std::vector<int32_t> rows;
  for (size_t first = 0; first < tokens.size(); first += chunk) {
    const size_t count = std::min(chunk, tokens.size() - first);
    batch_.clear();
    batch_.add(tokens.subspan(first, count), static_cast<int>(first), table);
    parts_.model->forward(batch_.tokens(), batch_.view(), *parts_.store, {});
    for (size_t done = 0; done < count; done += rows.size()) {
      rows.clear();
      for (size_t i = done; i < count && rows.size() < static_cast<size_t>(parts_.max_outputs); ++i)
        rows.push_back(static_cast<int32_t>(i));
      const backend::Array& logits = parts_.model->logits(rows);
      for (size_t i = 0; i < rows.size(); ++i) {
        parts_.backend->read(logits, i, row_);
        row(first + done + i, row_);
      }
    }
  }
  cache_.release(table);
  return {};
}

/// Mapped weights count as memory that the system could take back, but every token reads them.
uint64_t free_bytes(uint64_t mapped_bytes) {
  const uint64_t available = probe::read_memory("").available_bytes;
  return available == 0 ? 0 : std::max<uint64_t>(available, mapped_bytes + 1) - mapped_bytes;
}

Result<Parts> make_parts(std::shared_ptr<const gguf::File> file, const Options& options,
                         const base::Progress& progress) {
  HANDMILL_OK(validate(options));
  HANDMILL_TRY(const probe::Machine machine, probe::read_machine());
  Parts parts;
  parts.file = std::move(file);
  parts.threads = options.threads > 0 ? options.threads : machine.threads_best();
  parts.prefill_chunk = options.prefill_chunk;
  parts.max_sequences = options.max_sequences;
  parts.speculate = options.speculate;
  parts.max_outputs = std::max(kOutputsMin, options.max_sequences);
  HANDMILL_OK(check_weights(*parts.file, machine.memory.total_bytes));
  HANDMILL_TRY(const model::Config config, model::read_config(*parts.file));
  HANDMILL_TRY(parts.tokenizer, text::Tokenizer::load(*parts.file));
  if (parts.tokenizer->vocab_size() > config.vocab)
    return base::invalid("{}: the tokenizer has {} tokens, token_embd.weight only {} rows",
                         parts.file->path(), parts.tokenizer->vocab_size(), config.vocab);
  HANDMILL_TRY(parts.backend, backend::make_cpu_backend(parts.threads));
  HANDMILL_TRY(parts.model,
               model::Model::load(
                   *parts.file, *parts.backend, parts.prefill_chunk, parts.max_outputs, progress,
                   model::find_panels(*parts.file, *parts.backend, options.panels_folder)));
  const backend::KvShape shape = parts.model->kv_shape(options.kv);
  uint64_t block_bytes = parts.backend->kv_block_bytes(shape);
  uint64_t mapped_bytes = parts.model->mapped_bytes();
  if (options.draft && options.speculate != Speculate::kOff) {
    HANDMILL_OK(check_weights(*options.draft, machine.memory.total_bytes));
    HANDMILL_TRY(parts.draft,
                 Draft::load(options.draft, *parts.backend, options, *parts.model, *parts.tokenizer,
                             {parts.prefill_chunk, parts.max_sequences, parts.max_outputs}));
    block_bytes += parts.draft->block_bytes();
    mapped_bytes += parts.draft->mapped_bytes();
  }
  HANDMILL_TRY(parts.context, plan_context(options.context, config.context, block_bytes,
                                           free_bytes(mapped_bytes)));
  const int blocks = kv::blocks_for(parts.context);
  HANDMILL_TRY(parts.store, parts.backend->kv_store(shape, blocks));
  if (parts.draft) HANDMILL_OK(parts.draft->make_cache(blocks));
  return parts;
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(std::shared_ptr<const gguf::File> file,
                                             const Options& options,
                                             const base::Progress& progress) {
  HANDMILL_TRY(Parts parts, make_parts(std::move(file), options, progress));
  return std::unique_ptr<Engine>(std::make_unique<LocalEngine>(std::move(parts)));
}

}  // namespace handmill::engine
