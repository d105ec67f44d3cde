#include "measure/recorder.h"

#include <sys/resource.h>
#include <system_error>

#include "measure/correction.h"
#include "measure/noise.h"

namespace handmill::measure {
namespace {

/// Runs that wait to be written; past it they are not.
constexpr size_t kTasksMost = 1024;
/// After so many faults in a row nothing is tried any more: an end must not wait for each of them.
constexpr int kFaultsMost = 3;

constexpr std::string_view kBeside = "other requests were computed beside it";

int64_t pages_from_disk() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_majflt;
}

}  // namespace

bool Took::timed() const {
  const int least = piece.phase == Phase::kPrefill ? kLeastPrefill : kLeastDecode;
  return piece.tokens >= least && seconds >= kLeastS;
}

std::array<Took, 2> took(const engine::Timings& t) {
  Took prefill, decode;
  prefill.piece = {Phase::kPrefill, t.prompt_tokens - t.cached_tokens, t.cached_tokens};
  // Without a first token the prefill never came to its end.
  prefill.seconds = t.generated_tokens > 0 ? t.prefill_s : 0;
  const int steps = t.generated_tokens - 1 - t.accepted_tokens;
  decode.piece = decode_piece(steps, t.prompt_tokens);
  decode.piece.depth += t.accepted_tokens / 2;
  decode.seconds = t.decode_s;
  if (t.proposed_tokens * kTokensPerGuess > t.generated_tokens)
    decode.left_out = "tokens were guessed ahead";
  if (t.shared) prefill.left_out = decode.left_out = kBeside;
  return {std::move(prefill), std::move(decode)};
}

std::array<Piece, 2> foreseen(int prompt_tokens) {
  return {Piece{Phase::kPrefill, prompt_tokens, 0}, Piece{Phase::kDecode, 1, prompt_tokens}};
}

/// The thread's own: the ledger, and what was read of it.
class Recorder::Writer {
 public:
  explicit Writer(const Options& options) : options_(options) {}

  void predicted(RunId run, const Subject& subject, std::span<const Piece> pieces) {
    if (!open()) return;
    for (const Piece& piece : pieces) {
      const auto row = predict(subject, piece);
      check(row);
      if (row.ok()) rows_[run].emplace_back(piece.phase, *row);
    }
  }

  void measured(RunId run, const Subject& subject, std::span<const Took> pieces) {
    const auto at = rows_.find(run);
    if (at == rows_.end()) return;
    for (const auto& [phase, row] : at->second) {
      const Took* found = nullptr;
      for (const Took& piece : pieces)
        if (piece.piece.phase == phase && piece.timed()) found = &piece;
      if (open()) check(found == nullptr ? ledger_->forget(row) : store(subject, row, *found));
    }
    rows_.erase(at);
  }

 private:
  bool open() {
    if (faults_ >= kFaultsMost) return false;
    if (ledger_ != nullptr) return true;
    auto ledger = Ledger::open(options_.path, Ledger::Access::kWrite);
    check(ledger);
    if (!ledger.ok()) {
      faults_ = kFaultsMost;
      return false;
    }
    ledger_ = std::move(*ledger);
    return true;
  }

  template <class T>
  void check(const Result<T>& result) {
    if (result.ok()) {
      faults_ = 0;
      return;
    }
    ++faults_;
    if (!warned_ && options_.warn) options_.warn(result.error());
    warned_ = true;
  }

  Result<int64_t> predict(const Subject& subject, const Piece& piece) {
    HANDMILL_TRY(const Forecast forecast, told(subject, piece));
    return ledger_->predicted(forecast, options_.version);
  }

  Result<Forecast> told(const Subject& subject, const Piece& piece) {
    HANDMILL_TRY(const Prediction prediction, subject.predict(piece));
    HANDMILL_TRY(const std::vector<Pair>* const past, past_of(subject));
    Forecast forecast = subject.forecast(piece, prediction);
    const Corrected told =
        corrected(prediction, *past,
                  {forecast.model.digest, forecast.kv, piece.phase, piece.tokens, piece.depth});
    forecast.told_s = told.seconds();
    forecast.low_s = told.low();
    forecast.high_s = told.high();
    return forecast;
  }

  /// Read once: other processes' runs are seen by the next one.
  Result<std::vector<Pair>*> past_of(const Subject& subject) {
    const auto [at, is_new] = past_.try_emplace(subject.calibration);
    if (is_new) {
      HANDMILL_TRY(
          const auto entries,
          ledger_->entries(subject.machine.name, subject.machine.engine, subject.calibration));
      at->second = pairs_of(entries);
    }
    return &at->second;
  }

  Status store(const Subject& subject, int64_t row, const Took& took) {
    HANDMILL_TRY(const Forecast ran, told(subject, took.piece));
    Entry entry{ran, {took.seconds, took.left_out}, {}, 0};
    HANDMILL_OK(ledger_->measured(row, ran, entry.outcome));
    HANDMILL_TRY(std::vector<Pair>* const past, past_of(subject));
    if (past->size() >= Ledger::kMost) past->resize(Ledger::kMost / 2);
    const std::vector<Pair> pair = pairs_of(std::span(&entry, 1));
    past->insert(past->begin(), pair.begin(), pair.end());
    return {};
  }

  const Options& options_;
  std::unique_ptr<Ledger> ledger_;
  int faults_ = 0;  // in a row
  bool warned_ = false;
  std::map<RunId, std::vector<std::pair<Phase, int64_t>>> rows_;
  std::map<std::string, std::vector<Pair>> past_;  // by calibration, the newest first
};

Recorder::Recorder(Options options) : options_(std::move(options)) {}

Recorder::~Recorder() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Recorder::RunId Recorder::begin(std::shared_ptr<const Subject> subject,
                                std::span<const Piece> pieces) {
  Active active{std::move(subject), options_.read_load(), pages_from_disk()};
  RunId run = 0;
  {
    const std::lock_guard lock(mutex_);
    run = ++last_;
    active.beside = !active_.empty();
    for (auto& [id, other] : active_) other.beside = true;
    active_.emplace(run, active);
  }
  post([run, subject = active.subject, pieces = std::vector<Piece>(pieces.begin(), pieces.end())](
           Writer& writer) { writer.predicted(run, *subject, pieces); });
  return run;
}

RunVerdict Recorder::end(RunId run, std::span<const Took> took) {
  Active active;
  {
    const std::lock_guard lock(mutex_);
    const auto at = active_.find(run);
    if (at == active_.end()) return {};
    active = std::move(at->second);
    active_.erase(at);
  }
  const Noise noise = judge(active.before, options_.read_load(), active.subject->threads, {}, {});
  std::string why = noise.refused() ? noise.refusals.front() : "";
  if (active.beside) why = "other requests were computed beside it";
  if (const int64_t pages = pages_from_disk() - active.pages; why.empty() && pages > kMostPages)
    why = "a disk had to bring " + std::to_string(pages) + " pages of memory";
  RunVerdict verdict;
  std::vector<Took> judged(took.begin(), took.end());
  for (Took& piece : judged) {
    if (!why.empty()) piece.left_out = why;
    if (!piece.timed()) continue;
    // Guesses change no share of the roof: their rows ride on steps that read as much without.
    if (!why.empty() || piece.left_out == kBeside) {
      verdict.why_none = piece.left_out;
    } else if (auto shares = shares_of(*active.subject, piece.piece, piece.seconds); shares.ok()) {
      verdict.of(piece.piece.phase) = *shares;
    }
  }
  post([run, subject = active.subject, judged = std::move(judged)](Writer& writer) {
    writer.measured(run, *subject, judged);
  });
  return verdict;
}

void Recorder::post(std::function<void(Writer&)> task) {
  if (options_.path.empty()) return;
  const std::lock_guard lock(mutex_);
  if (tasks_.size() >= kTasksMost) return;
  tasks_.push_back(std::move(task));
  try {
    if (!thread_.joinable()) thread_ = std::thread([this] { write(); });
  } catch (const std::system_error&) {
    tasks_.clear();  // the system has no thread to give: nothing is stored
  }
  wake_.notify_one();
}

void Recorder::write() {
  Writer writer(options_);
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    const auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task(writer);
    lock.lock();
  }
}

}  // namespace handmill::measure
