// Every run held against what was predicted of it. A run begins: its prediction is made, corrected
// by the past, and stored. It ends: what it took is judged against the load of the machine
// meanwhile, and stored beside it. The file is written by a thread of the recorder's own, after
// whatever it is told, so that an answer waits for no disk: beginning and ending cost the reading
// of the load, less than a tenth of a millisecond.
//
// Thread-safe. A ledger that cannot be used is warned of once; everything else goes on.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "measure/ledger.h"
#include "measure/shares.h"
#include "measure/subject.h"
#include "probe/load.h"

namespace handmill::measure {

// Shorter pieces are not compared: what the clock and the first step cost is too much of them.
inline constexpr int kLeastDecode = 16;   // steps
inline constexpr int kLeastPrefill = 32;  // tokens
inline constexpr double kLeastS = 0.1;
/// More guesses than one in so many tokens, and a run says nothing of a step of one token.
inline constexpr int kTokensPerGuess = 50;
/// Pages that a disk had to bring meanwhile: more, and the run measured the disk.
inline constexpr int64_t kMostPages = 64;

/// What a piece took. `left_out`: why it cannot be compared whatever the machine did; or empty.
struct Took {
  Piece piece;
  double seconds = 0;
  std::string left_out = {};
  bool timed() const;
};
/// Of one request: its prefill and its decode.
std::array<Took, 2> took(const engine::Timings& timings);
/// What can be said of it before: the whole prompt, and one token behind it.
std::array<Piece, 2> foreseen(int prompt_tokens);

/// What an end tells. Without a share there is a reason, unless the piece was too short.
struct RunVerdict {
  std::optional<Shares> prefill, decode;
  std::string why_none = {};
  std::optional<Shares>& of(Phase phase) { return phase == Phase::kPrefill ? prefill : decode; }
};

class Recorder {
 public:
  struct Options {
    std::string path;                        // of the ledger; empty: nothing is stored
    std::string version;                     // of the program
    std::function<void(const Error&)> warn;  // called from any thread, at most once
    std::function<probe::LoadReading()> read_load = [] { return probe::read_load(); };
  };
  using RunId = uint64_t;

  explicit Recorder(Options options);
  /// Waits for what is to be written, each write for at most some seconds.
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// Before the run.
  RunId begin(std::shared_ptr<const Subject> subject, std::span<const Piece> pieces);
  /// After it. Pieces that took too short, and those that never were, are forgotten.
  RunVerdict end(RunId run, std::span<const Took> took);

 private:
  struct Active {
    std::shared_ptr<const Subject> subject;
    probe::LoadReading before;
    int64_t pages = 0;
    bool beside = false;  // another run was under way meanwhile
  };
  class Writer;

  void post(std::function<void(Writer&)> task);
  void write();

  const Options options_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<RunId, Active> active_;
  RunId last_ = 0;
  std::deque<std::function<void(Writer&)>> tasks_;
  bool ending_ = false;
  std::thread thread_;  // from the first run on
};

}  // namespace handmill::measure
