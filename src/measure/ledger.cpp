#include "measure/ledger.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <fmt/format.h>
#include <iterator>
#include <span>

#include "base/checksum.h"
#include "base/error.h"

namespace handmill::measure {
namespace {

using Value = Statement::Value;

constexpr std::string_view kForm1[] = {
    "CREATE TABLE runs ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, made_s INTEGER NOT NULL, version TEXT NOT NULL,"
    "  machine TEXT NOT NULL, engine TEXT NOT NULL, calibration TEXT NOT NULL,"
    "  model TEXT NOT NULL, digest TEXT NOT NULL, file_bytes INTEGER NOT NULL, kv TEXT NOT NULL,"
    "  threads INTEGER NOT NULL, phase TEXT NOT NULL, tokens INTEGER NOT NULL,"
    "  depth INTEGER NOT NULL, basis TEXT NOT NULL, seconds REAL NOT NULL, memory_s REAL NOT NULL,"
    "  ops_s REAL NOT NULL, layers_s REAL NOT NULL, told_s REAL NOT NULL, low_s REAL NOT NULL,"
    "  high_s REAL NOT NULL, measured_s REAL, left_out TEXT) STRICT",
    "CREATE INDEX runs_kind ON runs (machine, engine, calibration, digest, kv, phase, id)"};
/// The statements that make form i + 1 out of form i; form 0 is an empty file.
constexpr std::span<const std::string_view> kForms[] = {kForm1};
constexpr auto kNewest = static_cast<int64_t>(std::size(kForms));

constexpr std::string_view kColumns =
    "made_s, version, machine, engine, calibration, model, digest, file_bytes, kv, threads, phase,"
    " tokens, depth, basis, seconds, memory_s, ops_s, layers_s, told_s, low_s, high_s";

constexpr size_t kTextMax = 256;
std::string_view cut(std::string_view text) { return text.substr(0, kTextMax); }

constexpr std::string_view kBasisMeasured = "measured", kBasisRoof = "roof";
std::string_view basis_name(Basis basis) {
  return basis == Basis::kMeasured ? kBasisMeasured : kBasisRoof;
}

Entry entry_of(const Statement& row) {
  Entry entry;
  int at = 0;
  entry.made_s = row.integer(at++);
  entry.version = row.text(at++);
  Forecast& f = entry.forecast;
  f.machine = row.text(at++);
  f.engine = row.text(at++);
  f.calibration = row.text(at++);
  f.model.name = row.text(at++);
  f.model.digest = row.text(at++);
  f.model.file_bytes = static_cast<uint64_t>(row.integer(at++));
  f.kv = row.text(at++);
  f.threads = static_cast<int>(row.integer(at++));
  f.phase = row.text(at++) == phase_name(Phase::kPrefill) ? Phase::kPrefill : Phase::kDecode;
  f.tokens = static_cast<int>(row.integer(at++));
  f.depth = static_cast<int>(row.integer(at++));
  f.basis = row.text(at++) == kBasisMeasured ? Basis::kMeasured : Basis::kRoof;
  for (double* value : {&f.seconds, &f.memory_s, &f.ops_s, &f.layers_s, &f.told_s, &f.low_s,
                        &f.high_s, &entry.outcome.seconds})
    *value = row.real(at++);
  entry.outcome.left_out = row.text(at);
  return entry;
}

/// Rows that no run of ours could have written: a hand was in the file.
bool sound(const Entry& entry) {
  const auto positive = [](double value) { return value > 0 && value < 1e9; };
  const Forecast& f = entry.forecast;
  return f.tokens > 0 && f.depth >= 0 && positive(f.seconds) && positive(f.told_s) &&
         positive(f.low_s) && positive(f.high_s) && positive(entry.outcome.seconds);
}

Result<std::vector<Entry>> read_all(Statement& statement) {
  std::vector<Entry> entries;
  for (;;) {
    HANDMILL_TRY(const bool more, statement.next());
    if (!more) return entries;
    Entry entry = entry_of(statement);
    if (sound(entry)) entries.push_back(std::move(entry));
  }
}

/// Small enough that neither caches nor chunks matter; its times move with the formula alone.
Shape reference_shape() {
  Shape shape;
  shape.config.layers = 2;
  shape.config.heads = 4;
  shape.config.kv_heads = 2;
  shape.config.head_dim = 64;
  shape.config.width = 256;
  shape.parts = {{PartKind::kAttention, "q4_k", 1 << 20, 1 << 21, false},
                 {PartKind::kFeedForward, "q6_k", 1 << 22, 1 << 22, false},
                 {PartKind::kHead, "q8_0", 1 << 20, 1 << 20, true}};
  shape.embedding_row_bytes = 272;
  shape.kv_block_bytes_f16 = 2 * 512 * backend::kKvBlock;
  shape.kv_block_bytes_q8_0 = 2 * 272 * backend::kKvBlock;
  return shape;
}

}  // namespace

std::string_view phase_name(Phase phase) { return phase == Phase::kDecode ? "decode" : "prefill"; }

ModelId identify(std::string name, const gguf::File& file) {
  uint64_t sum = 0;
  for (const gguf::Tensor& tensor : file.tensors()) {
    sum = base::checksum(tensor.name, sum);
    sum = base::checksum(tensor.format->name, sum);
    for (const uint64_t extent : tensor.shape)
      sum = base::checksum(fmt::format("{} ", extent), sum);
  }
  return {std::move(name), fmt::format("{:016x}", sum), file.bytes()};
}

std::string calibration(const Machine& machine) {
  std::string text = boost::json::serialize(to_json(machine));
  const auto add = [&text](const Result<Prediction>& prediction) {
    if (prediction.ok()) text += fmt::format(" {:a}", prediction->seconds);
  };
  const Shape shape = reference_shape();
  add(predict_decode(shape, machine, backend::KvType::kF16, 1000));
  add(predict_prefill(shape, machine, backend::KvType::kF16, 100, 1000, 64));
  return fmt::format("{:016x}", base::checksum(text));
}

Result<std::unique_ptr<Ledger>> Ledger::open(const std::string& path, Access access, int wait_ms) {
  const bool write = access == Access::kWrite;
  HANDMILL_TRY(
      auto database,
      Database::open(path, write ? Database::Access::kWrite : Database::Access::kRead, wait_ms));
  auto ledger = std::unique_ptr<Ledger>(new Ledger(std::move(database)));
  if (write) {
    HANDMILL_OK(ledger->prepare());
    return ledger;
  }
  HANDMILL_TRY(const int64_t version, ledger->database_->number("PRAGMA user_version"));
  if (version == kNewest) return ledger;
  if (version == 0) return base::not_found("{}: nothing is written there yet", path);
  return base::unsupported("{}: written in form {}; this handmill reads form {}", path, version,
                           kNewest);
}

/// A journal beside the file, not a shared-memory log: a home may lie on a network.
Status Ledger::prepare() {
  const Database& database = *database_;
  HANDMILL_OK(database.run("PRAGMA synchronous = NORMAL"));
  HANDMILL_TRY(int64_t version, database.number("PRAGMA user_version"));
  if (version == kNewest) return {};
  Transaction transaction(database);
  HANDMILL_OK(transaction.begin());
  HANDMILL_TRY(version, database.number("PRAGMA user_version"));  // another may have been first
  if (version > kNewest || version < 0)
    return base::unsupported("{}: written by a newer handmill, in form {}; this one knows form {}",
                             database.path(), version, kNewest);
  for (; version < kNewest; ++version)
    for (const std::string_view sql : kForms[version]) HANDMILL_OK(database.run(sql));
  HANDMILL_OK(database.run(fmt::format("PRAGMA user_version = {}", kNewest)));
  return transaction.commit();
}

Result<int64_t> Ledger::predicted(const Forecast& f, std::string_view version) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const Value values[] = {
      int64_t{std::chrono::duration_cast<std::chrono::seconds>(now).count()},
      cut(version),
      cut(f.machine),
      cut(f.engine),
      cut(f.calibration),
      cut(f.model.name),
      cut(f.model.digest),
      static_cast<int64_t>(f.model.file_bytes),
      cut(f.kv),
      int64_t{f.threads},
      phase_name(f.phase),
      int64_t{f.tokens},
      int64_t{f.depth},
      basis_name(f.basis),
      f.seconds,
      f.memory_s,
      f.ops_s,
      f.layers_s,
      f.told_s,
      f.low_s,
      f.high_s,
  };
  std::string places = "?1";
  for (size_t i = 2; i <= std::size(values); ++i) places += fmt::format(", ?{}", i);
  HANDMILL_OK(
      database_->run(fmt::format("INSERT INTO runs ({}) VALUES ({})", kColumns, places), values));
  return database_->last_id();
}

Status Ledger::measured(int64_t row, const Forecast& ran, const Outcome& outcome) {
  const Value values[] = {row,          int64_t{ran.tokens}, int64_t{ran.depth},
                          ran.seconds,  ran.memory_s,        ran.ops_s,
                          ran.layers_s, ran.told_s,          ran.low_s,
                          ran.high_s,   outcome.seconds,     cut(outcome.left_out)};
  Transaction transaction(*database_);
  HANDMILL_OK(transaction.begin());
  HANDMILL_OK(database_->run(
      "UPDATE runs SET tokens = ?2, depth = ?3, seconds = ?4, memory_s = ?5, ops_s = ?6,"
      " layers_s = ?7, told_s = ?8, low_s = ?9, high_s = ?10, measured_s = ?11, left_out = ?12"
      " WHERE id = ?1",
      values));
  HANDMILL_OK(prune(ran));
  return transaction.commit();
}

Status Ledger::forget(int64_t row) {
  const Value values[] = {row};
  return database_->run("DELETE FROM runs WHERE id = ?1", values);
}

/// Predictions whose run never came to an end go the same way.
Status Ledger::prune(const Forecast& kind) {
  const Value values[] = {cut(kind.machine),      cut(kind.engine), cut(kind.calibration),
                          cut(kind.model.digest), cut(kind.kv),     phase_name(kind.phase),
                          int64_t{kKindMax}};
  HANDMILL_OK(database_->run(
      "DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE machine = ?1 AND engine = ?2"
      " AND calibration = ?3 AND digest = ?4 AND kv = ?5 AND phase = ?6"
      " ORDER BY id DESC LIMIT -1 OFFSET ?7)",
      values));
  const Value most[] = {int64_t{kMost}};
  return database_->run("DELETE FROM runs WHERE id <= (SELECT max(id) - ?1 FROM runs)", most);
}

Result<std::vector<Entry>> Ledger::entries() {
  HANDMILL_TRY(Statement statement,
               database_->prepare(fmt::format("SELECT {}, measured_s, left_out FROM runs WHERE"
                                              " measured_s IS NOT NULL ORDER BY id DESC LIMIT {}",
                                              kColumns, kMost)));
  return read_all(statement);
}

Result<std::vector<Entry>> Ledger::entries(const std::string& machine, const std::string& engine,
                                           const std::string& calibration) {
  HANDMILL_TRY(Statement statement,
               database_->prepare(fmt::format(
                   "SELECT {}, measured_s, left_out FROM runs WHERE machine = ?1 AND engine = ?2"
                   " AND calibration = ?3 AND measured_s IS NOT NULL ORDER BY id DESC LIMIT {}",
                   kColumns, kMost)));
  const Value values[] = {cut(machine), cut(engine), cut(calibration)};
  HANDMILL_OK(statement.bind(values));
  return read_all(statement);
}

}  // namespace handmill::measure
