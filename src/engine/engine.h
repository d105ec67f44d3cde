// Sequences in, events out. An Engine owns one model, its key/value cache and the scheduler; one
// thread at a time calls it, so none of them has a lock. A step is three verbs: schedule, run,
// commit. Nothing is allocated in a steady decode step. The text of a request is the same alone and
// among others, at any thread count and chunking, and with the prefix cache hot or cold.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/progress.h"
#include "base/result.h"
#include "engine/gpu.h"
#include "gguf/file.h"
#include "model/work.h"
#include "sample/sampler.h"
#include "text/tokenizer.h"

namespace handmill::engine {

/// Whether tokens are guessed ahead and verified together. The text does not depend on it.
enum class Speculate {
  kOff,
  kAuto,    // as far as the measured acceptance pays
  kAlways,  // as many as fit, for measurements and tests
};

struct Options {
  int threads = 0;  // 0: one for each core that this process may use (affinity mask, cgroup quota)
  backend::KvType kv = backend::KvType::kF16;
  int context =
      0;  // positions of key/value cache, shared by all sequences; 0: the model's own context
          // length, or what fits in half of the memory that is free, whichever is smaller
  int prefill_chunk = 512;  // most tokens that one step computes
  int max_sequences = 16;   // most sequences in one step; further requests wait
  Speculate speculate = Speculate::kAuto;
  /// A smaller model of the same vocabulary that guesses too, or none. The file is kept.
  std::shared_ptr<const gguf::File> draft = {};
  /// Where panel files lie of models whose own folder takes none; empty: nowhere.
  std::string panels_folder = {};
  GpuOptions gpu = {};
};

enum class Finish { kStop, kLength, kContext, kCancelled, kError };
const char* finish_name(Finish finish);  // "stop", "length", "context", "cancelled", "error"

using RequestId = uint64_t;

/// Seconds and counts of one request; rates are computed from these alone.
struct Timings {
  int prompt_tokens = 0;
  int cached_tokens = 0;  // of the prompt, found in the prefix cache
  int generated_tokens = 0;
  int proposed_tokens = 0;  // by speculation, and verified
  int accepted_tokens = 0;  // of these, now in the answer
  bool shared = false;      // other requests were computed between its first step and its last
  double queue_s = 0;       // submitted → first scheduled
  double ttft_s = 0;        // submitted → first token
  double prefill_s = 0;     // first scheduled → first token
  double decode_s = 0;      // first token → last token
  double pp() const;        // tokens/s of prefill: (prompt − cached) / prefill_s
  double tpot_s() const;    // decode_s / (generated − 1)
  double tg() const;        // 1 / tpot
};

/// A token and the natural logarithm of its probability, in the model's own distribution before any
/// sampler.
struct Likely {
  text::Token token = text::kNoToken;
  float logprob = 0;
};
struct TokenLogprob {
  Likely chosen;
  std::vector<Likely> top;  // likeliest first, equal ones by lower id; as many as were asked for
};

struct Event {
  RequestId id = 0;
  text::Token token =
      text::kNoToken;    // the token just made; kNoToken in an event that only finishes
  TokenLogprob logprob;  // of `token`, where the request asked
  /// Where asked, in the event of the first token: one for each token of the prompt. The first has
  /// no logprob (NaN) and no top.
  std::vector<TokenLogprob> prompt_logprobs;
  std::string text;              // whole characters that are certain to belong to the answer
  std::optional<Finish> finish;  // in the last event of a request
  std::string error;             // with Finish::kError
  std::string stop;              // the stop string that matched, if one did
  Timings timings;               // as they are at the first token; all of them in the last event
};
using Sink = std::function<void(const Event&)>;  // called inside step(); must not call the engine

struct Request {
  std::vector<text::Token> prompt;
  sample::Settings sampling;
  int max_tokens = -1;            // −1: until the context is full
  std::vector<std::string> stop;  // the answer ends before the first of these
  bool ignore_end = false;        // go on past end tokens (measurements)
  int context = 0;                // most tokens of prompt and answer; 0: as many as the engine has
  int logprobs = -1;              // 0 to 20: each token's logprob and so many likeliest; -1: none
  bool prompt_logprobs = false;   // of the prompt too: it is computed whole, past the prefix cache
  int priority = 0;               // of waiting requests, lower goes first
  uint64_t owner = 0;             // waiting requests of different owners take turns
};

/// The mean over a text's positions of the model's last normed hidden states, at unit length.
struct EmbedRequest {
  std::vector<text::Token> tokens;
  int priority = 0;
  uint64_t owner = 0;
};
struct EmbedEvent {
  RequestId id = 0;
  std::vector<float> vector;     // [width]
  std::optional<Finish> finish;  // kStop, kCancelled or kError
  std::string error;
  Timings timings;
};
using EmbedSink = std::function<void(const EmbedEvent&)>;

/// Counters since the engine was opened, and how things stand.
struct Stats {
  uint64_t steps = 0;
  uint64_t prompt_tokens = 0;  // computed or found
  uint64_t cached_tokens = 0;  // of these, found in the prefix cache
  uint64_t generated_tokens = 0;
  uint64_t preemptions = 0;
  uint64_t proposed_tokens = 0, accepted_tokens = 0;
  int running = 0, waiting = 0;
  int kv_blocks = 0, kv_free = 0;
};

class Engine {
 public:
  /// Loads the model, and packs it unless a panel file is there. `file` is kept (embedding rows are
  /// read from its mapping).
  static Result<std::unique_ptr<Engine>> open(std::shared_ptr<const gguf::File> file,
                                              const Options& options,
                                              const base::Progress& progress = {});
  virtual ~Engine() = default;

  virtual std::shared_ptr<const text::Tokenizer> tokenizer() const = 0;
  virtual int context() const = 0;              // positions of the cache
  virtual int model_context() const = 0;        // the model's own context length
  virtual std::string description() const = 0;  // of the backend
  virtual bool uses_gpu() const = 0;            // for a part of the model at least
  virtual int threads() const = 0;
  virtual uint64_t weight_bytes() const = 0;        // read for one decoded token
  virtual uint64_t kv_bytes_per_token() const = 0;  // read for each position before it
  /// What all steps so far had to do, a draft model's own part left out. The difference of two is
  /// what lies between them.
  virtual const model::Work& work() const = 0;
  /// What the machine can do at this moment. Not during a step; takes tens of milliseconds.
  virtual Result<backend::Roofs> measure_roofs() = 0;

  /// Queues a request. An empty prompt, tokens outside the vocabulary, bad settings, and a prompt
  /// that cannot fit are errors; the last names both numbers.
  virtual Result<RequestId> submit(Request request, Sink sink) = 0;
  virtual Result<RequestId> submit(EmbedRequest request, EmbedSink sink) = 0;
  /// Ends a request at the next step, wherever it is.
  virtual void cancel(RequestId id) = 0;
  /// Computes one batch. False when there was nothing to do. Failures of a request go to its sink.
  virtual bool step() = 0;
  /// step() until nothing is left.
  void drain() {
    while (step()) {
    }
  }

  /// Scores a text: calls `row(i, logits)` with the float32 logits after tokens[0..i], for every i
  /// in order. Uses free cache blocks and leaves them free; the prefix cache is not used.
  virtual Status score(std::span<const text::Token> tokens,
                       const std::function<void(size_t, std::span<const float>)>& row) = 0;
  virtual Stats stats() const = 0;
  virtual int width() const = 0;  // of an embedding
  /// Forgets the prefix cache (measurements of a cold start).
  virtual void clear_cache() = 0;
};

}  // namespace handmill::engine
