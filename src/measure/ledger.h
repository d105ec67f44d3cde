// What was predicted of runs before them, and what the runs took: one row for each prediction, in
// HOME/ledger.db. No prompt, no answer and no token is in it: names, counts and seconds alone. Of
// one kind of run the newest are kept, so that the file stops growing.
//
// One thread at a time uses a Ledger; others, and other processes on any machine that shares the
// home, open their own. A file that is locked, read-only or damaged is an error here and no more:
// whoever answers goes on without.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/file.h"
#include "measure/database.h"
#include "measure/machine.h"
#include "measure/predict.h"

namespace handmill::measure {

enum class Phase { kDecode, kPrefill };
std::string_view phase_name(Phase phase);  // "decode", "prefill"

/// Equal for files of one name, size and tensor table: what a model's speed depends on.
struct ModelId {
  std::string name;
  std::string digest;  // 16 hexadecimal digits, over names, formats and shapes of all tensors
  uint64_t file_bytes = 0;
  bool operator==(const ModelId&) const = default;
};
ModelId identify(std::string name, const gguf::File& file);

/// 16 hexadecimal digits that stand for a machine's figures and for what predictions make of them:
/// only runs that were predicted alike can correct one another.
std::string calibration(const Machine& machine);

/// One prediction. Times are seconds.
struct Forecast {
  std::string machine, engine;  // Machine::name and engine
  std::string calibration;
  ModelId model;
  std::string kv;  // "f16"
  int threads = 0;
  Phase phase = Phase::kDecode;
  int tokens = 0;
  int depth = 0;  // tokens before the first; of decode before the one in the middle
  Basis basis = Basis::kMeasured;
  double seconds = 0;                            // of all tokens, by the formula
  double memory_s = 0, ops_s = 0, layers_s = 0;  // its terms
  double told_s = 0, low_s = 0, high_s = 0;      // corrected by what was known then, and its bar
  bool operator==(const Forecast&) const = default;
};

/// What a run took. `left_out`: why it corrects nothing ("a batch of 4"); empty where it does.
struct Outcome {
  double seconds = 0;
  std::string left_out;
  bool operator==(const Outcome&) const = default;
};

struct Entry {
  Forecast forecast;
  Outcome outcome;
  std::string version;  // of the program
  int64_t made_s = 0;   // since 1970
};

class Ledger {
 public:
  /// Kept of one machine, calibration, model, kv type and phase, and of all together.
  static constexpr int kKindMax = 200;
  static constexpr int kMost = 20'000;

  enum class Access { kRead, kWrite };
  /// kWrite makes the file, or brings an older one to today's form; one of a newer handmill is
  /// kUnsupported. kRead changes nothing, and without a file is kNotFound. Waits at most `wait_ms`
  /// for another writer, here and in every call.
  static Result<std::unique_ptr<Ledger>> open(const std::string& path, Access access,
                                              int wait_ms = 2000);

  /// Before a run; gives the row. Texts longer than 256 bytes are cut.
  Result<int64_t> predicted(const Forecast& forecast, std::string_view version);
  /// After it: `ran` is the same prediction for the tokens that there were in the end.
  Status measured(int64_t row, const Forecast& ran, const Outcome& outcome);
  /// There is nothing to compare: the run was too short, or never was.
  Status forget(int64_t row);

  /// All that were measured, the newest first.
  Result<std::vector<Entry>> entries();
  /// Those of one machine, engine and calibration.
  Result<std::vector<Entry>> entries(const std::string& machine, const std::string& engine,
                                     const std::string& calibration);

 private:
  explicit Ledger(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  Status prepare();
  Status prune(const Forecast& kind);

  std::unique_ptr<Database> database_;
};

}  // namespace handmill::measure
