// Reads what is new of the texts in one batch, which brings the first tokens; then a token at a
// time.
#include "engine/draft.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/quote.h"
#include "model/panels.h"

namespace handmill::engine {
namespace {

// A token is read in about a fifth of the time that it takes to write one, and a good draft saves
// nearly half of the writing.
constexpr double kReadForOne = 2;

/// Padding at the end may differ, as it does between the sizes of one family.
Status check_vocabulary(const text::Tokenizer& first, const text::Tokenizer& draft,
                        const std::string& path) {
  const int both = std::min(first.vocab_size(), draft.vocab_size());
  for (text::Token token = 0; token < both; ++token)
    if (first.token_text(token) != draft.token_text(token))
      return base::invalid(
          "{}: token {} is {} where the model has {}: a draft model needs the same vocabulary",
          path, token, base::quoted(draft.token_text(token)),
          base::quoted(first.token_text(token)));
  return {};
}

}  // namespace

Result<std::unique_ptr<Draft>> Draft::load(std::shared_ptr<const gguf::File> file,
                                           backend::Backend& backend, const Options& options,
                                           const model::Model& first,
                                           const text::Tokenizer& tokenizer, const Limits& limits) {
  HANDMILL_TRY(const auto own, text::Tokenizer::load(*file));
  HANDMILL_OK(check_vocabulary(tokenizer, *own, file->path()));
  HANDMILL_TRY(auto model,
               model::Model::load(*file, backend, limits.batch_tokens, limits.outputs_max, {},
                                  model::find_panels(*file, backend, options.panels_folder)));
  const int vocab = std::min({tokenizer.vocab_size(), own->vocab_size(), model->config().vocab});
  const double share = static_cast<double>(model->bytes_per_token()) /
                       static_cast<double>(std::max<uint64_t>(first.bytes_per_token(), 1));
  return std::unique_ptr<Draft>(
      new Draft(std::move(file), backend, options.kv, std::move(model), share, vocab, limits));
}

Draft::Draft(std::shared_ptr<const gguf::File> file, backend::Backend& backend, backend::KvType kv,
             std::unique_ptr<model::Model> model, double share, int vocab, const Limits& limits)
    : file_(std::move(file)),
      backend_(backend),
      kv_(kv),
      model_(std::move(model)),
      share_(share),
      vocab_(vocab),
      limits_(limits),
      batch_(static_cast<size_t>(limits.batch_tokens), static_cast<size_t>(limits.sequences_max),
             static_cast<size_t>(limits.outputs_max)),
      times_(limits.outputs_max),
      row_(static_cast<size_t>(model_->config().vocab)) {
  working_.reserve(static_cast<size_t>(limits.sequences_max));
  ones_.reserve(static_cast<size_t>(limits.sequences_max));
  likeliest_.reserve(static_cast<size_t>(limits.sequences_max));
}

Status Draft::make_cache(int blocks) {
  HANDMILL_TRY(store_, backend_.kv_store(model_->kv_shape(kv_), blocks));
  cache_ = std::make_unique<kv::Cache>(blocks);
  return {};
}

void Draft::begin(Sequence& sequence, int length) const {
  sequence.guess.draft.table.reserve(static_cast<size_t>(kv::blocks_for(length)));
}

bool Draft::can_help(Sequence& sequence, int spare) const {
  DraftState& state = sequence.guess.draft;
  const std::span<const text::Token> tokens = sequence.tokens();
  const int length = sequence.length();
  const auto known = [&](int i) { return tokens[static_cast<size_t>(i)] < vocab_; };
  while (state.known < length && known(state.known)) ++state.known;
  return state.known == length &&
         length + std::min(spare, kProposedMax) <= model_->config().context;
}

bool Draft::reading_pays(const Sequence& sequence, int spare) const {
  return share_ * (sequence.length() - sequence.guess.draft.computed) <= kReadForOne * spare;
}

double Draft::seconds(int sequences, double first) const {
  const double measured = times_.of(sequences);
  return measured > 0 ? measured : share_ * first;
}

/// Room for the text and all but the last of its proposal, which is not read.
bool Draft::prepare(Sequence& sequence, int count) {
  DraftState& state = sequence.guess.draft;
  if (state.table.empty()) {
    const auto findable = sequence.tokens().first(sequence.tokens().size() - 1);
    state.computed = cache_->match(findable, state.table);
  }
  if (cache_->grow(state.table, sequence.length() + count - 1)) return true;
  release(sequence);
  return false;
}

void Draft::propose(std::span<const Job> jobs) {
  batch_.clear();
  working_.clear();
  int rows = limits_.batch_tokens;
  for (const Job& job : jobs) {
    if (rows == 0 || !prepare(*job.sequence, job.count)) continue;
    DraftState& state = job.sequence->guess.draft;
    const int unread = job.sequence->length() - state.computed, count = std::min(unread, rows);
    batch_.add(job.sequence->tokens().subspan(static_cast<size_t>(state.computed),
                                              static_cast<size_t>(count)),
               state.computed, state.table);
    state.computed += count;
    rows -= count;
    if (count < unread) continue;
    batch_.want_last();
    working_.push_back(job);
  }
  run();
  for (int made = 1; !working_.empty(); ++made) {
    std::erase_if(working_, [made](const Job& job) { return job.count <= made; });
    batch_.clear();
    for (const auto& [sequence, count] : working_) {
      DraftState& state = sequence->guess.draft;
      batch_.add({&sequence->guess.proposal.back(), 1}, state.computed++, state.table);
      batch_.want_last();
    }
    run();
  }
}

/// Computes the batch, and appends to each working proposal the token that is likeliest next.
void Draft::run() {
  const int rows = batch_.view().size();
  if (rows == 0) return;
  const auto start = std::chrono::steady_clock::now();
  const backend::Array& logits =
      model_->forward(batch_.tokens(), batch_.view(), *store_, batch_.outputs());
  ones_.assign(working_.size(), 1);
  likeliest_.resize(working_.size());
  if (working_.empty() ||
      !backend_.largest(logits, ones_, static_cast<size_t>(vocab_), likeliest_)) {
    for (size_t i = 0; i < working_.size(); ++i) {
      backend_.read(logits, i, row_);
      const auto best = std::max_element(row_.begin(), row_.begin() + vocab_);
      likeliest_[i] = {*best, static_cast<int32_t>(best - row_.begin())};
    }
  }
  // What was asked for may still be under way until then.
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (rows <= limits_.outputs_max) times_.record(rows, seconds.count());
  for (size_t i = 0; i < working_.size(); ++i)
    working_[i].sequence->guess.proposal.push_back(likeliest_[i].col);
}

/// What it read of a proposal stays read as far as that was right.
void Draft::verified(Sequence& sequence) {
  DraftState& state = sequence.guess.draft;
  if (state.table.empty()) return;
  state.computed = std::min(state.computed, sequence.computed());
  cache_->publish(state.table, sequence.tokens().first(static_cast<size_t>(state.computed)));
}

void Draft::release(Sequence& sequence) {
  cache_->release(sequence.guess.draft.table);
  sequence.guess.draft.computed = 0;
}

}  // namespace handmill::engine
