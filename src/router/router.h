// From a model's name to the engine that answers for it. A Router knows the models that there are,
// loads them when they are asked for, keeps them as long as asked, and lets the least recently used
// idle one go where memory is needed. Every loaded model has a thread of its own that steps its
// engine; preparing a prompt (template, tokens) runs on the caller's thread.
//
// Thread-safe. Sinks run on a model's thread and must be quick; they may call cancel.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/event.h"
#include "api/request.h"
#include "base/result.h"
#include "engine/engine.h"
#include "router/observer.h"

namespace handmill::router {

/// One event of a request. `Started` comes before the first Delta.
struct Started {
  api::Usage usage;
};
using Event = std::variant<Started, api::Delta, api::ChoiceEnd, api::End, api::Fault>;
/// End or Fault is the last event, and comes exactly once, whatever happens (also after cancel).
using Sink = std::function<void(Event)>;

struct EmbeddingAnswer {
  std::vector<std::vector<float>> vectors;  // unit length
  api::Usage usage;
  api::Timings timings;
};
using EmbeddingSink = std::function<void(std::variant<EmbeddingAnswer, api::Fault>)>;

/// A request on its way. Destroying it cancels it, if it has not ended: within one step its
/// sequences are gone and its blocks free. The sink still gets its last event.
class Ticket {
 public:
  virtual ~Ticket() = default;
};

/// Who asks: one API key, or everybody without one. Fairness is between owners.
using Owner = uint64_t;

struct ModelSource {
  std::string name;  // API name: the store's, or the file's stem
  std::string path;
};

struct Options {
  std::vector<ModelSource> models;  // the first is the default one
  engine::Options engine;  // of every model; context: cache positions, shared by its requests
  size_t queue_max = 512;  // requests that wait for one model; past it: kBusy
  std::chrono::milliseconds keep_alive{std::chrono::minutes(5)};  // negative: for ever
  uint64_t memory_bytes = 0;  // for all loaded models; 0: what the machine has, less a reserve
  std::shared_ptr<Observer> observer = {};  // of completions, or none
};

enum class State { kUnloaded, kLoading, kLoaded };

struct ModelInfo {
  std::string name, path;
  std::string architecture, quantization;  // "qwen2", "Q4_K_M"
  std::string digest;                      // sha256-like identity of the file, hexadecimal
  uint64_t file_bytes = 0;
  int64_t modified_s = 0;  // since 1970
  uint64_t parameters = 0;
  int context = 0;         // the model's own
  int width = 0;           // of an embedding
  bool thinks = false;     // its template has a thinking part
  bool has_tools = false;  // its template writes tools
  State state = State::kUnloaded;
  uint64_t memory_bytes = 0;                                     // held now
  std::optional<std::chrono::system_clock::time_point> expires;  // when it is let go, if ever
};

/// Of one loaded model, for /metrics and /health.
struct ModelStats {
  std::string name;
  engine::Stats engine;
  double seconds_since_progress = 0;  // while there is work; 0 when idle
};

class Router {
 public:
  static Result<std::unique_ptr<Router>> make(Options options);
  virtual ~Router() = default;  // ends every request, then the models

  virtual std::vector<ModelInfo> models() const = 0;
  /// By API name; ":latest" and letter case do not matter. Empty: the default model.
  virtual std::optional<ModelInfo> find(std::string_view name) const = 0;
  virtual std::vector<ModelStats> stats() const = 0;

  /// Loads the model if it must, prepares the prompts, and queues a sequence for every choice.
  /// Never blocks on the load: what is wrong comes as a Fault event, from any thread, perhaps
  /// before this returns.
  virtual std::unique_ptr<Ticket> submit(api::Completion completion, Owner owner, Sink sink) = 0;
  virtual std::unique_ptr<Ticket> submit(api::Embedding embedding, Owner owner,
                                         EmbeddingSink sink) = 0;
  /// Loads, or sets how long it stays; done() comes when it is there (or cannot be).
  virtual void preload(std::string_view model, api::KeepAlive keep_alive,
                       std::function<void(std::optional<api::Fault>)> done) = 0;
  /// Lets an idle model go now; a busy one when its requests have ended.
  virtual void unload(std::string_view model) = 0;

  /// Tokens of a text or a conversation, without computing anything (loads the tokenizer alone
  /// where the model is not loaded).
  virtual std::variant<std::vector<text::Token>, api::Fault> tokenize(std::string_view model,
                                                                      const api::Prompt& prompt,
                                                                      bool bos) = 0;
  virtual std::variant<std::string, api::Fault> detokenize(std::string_view model,
                                                           std::span<const text::Token> tokens) = 0;
  /// The prompt that the model's template makes of a conversation.
  virtual std::variant<std::string, api::Fault> apply_template(
      std::string_view model, const api::Conversation& conversation) = 0;
  /// The GGUF metadata of a model, for /api/show: the mapped file, kept open while it is held.
  virtual Result<std::shared_ptr<const gguf::File>> file(std::string_view model) = 0;

  /// No new requests; running ones go on. idle() tells when they are done.
  virtual void drain() = 0;
  virtual bool idle() const = 0;
};

}  // namespace handmill::router
