// One SQLite file: statements prepared once, values bound and never written into SQL, every fault a
// Status that names the file. Serves the ledger alone. One thread at a time uses it; other threads
// and processes open the file themselves, and wait for one another at most `wait_ms`.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace handmill::measure {

class Database;

/// A prepared statement. It must not outlive its database.
class Statement {
 public:
  using Value = std::variant<int64_t, double, std::string_view>;

  /// Starts it anew with these values for its ?1, ?2, …; texts must live until the last next().
  Status bind(std::span<const Value> values);
  /// Whether there is a row; false at the end.
  Result<bool> next();
  /// Of the row that next() found. A column of another type is converted, NULL is 0 or "".
  int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;

 private:
  friend class Database;
  struct Close {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(const Database* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}

  const Database* database_;
  std::unique_ptr<sqlite3_stmt, Close> statement_;
};

class Database {
 public:
  enum class Access { kRead, kWrite };

  /// kWrite makes the file where there is none; kRead is kNotFound there. Nothing of it is read
  /// before the first statement.
  static Result<std::unique_ptr<Database>> open(const std::string& path, Access access,
                                                int wait_ms);

  Result<Statement> prepare(std::string_view sql) const;
  /// One statement without a result.
  Status run(std::string_view sql, std::span<const Statement::Value> values = {}) const;
  /// The one whole number that a query gives; 0 where it gives no row.
  Result<int64_t> number(std::string_view sql) const;
  int64_t last_id() const;
  const std::string& path() const { return path_; }
  /// What the last call failed with, and where.
  Error fault(int code) const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit Database(std::string path) : path_(std::move(path)) {}

  const std::string path_;
  std::unique_ptr<sqlite3, Close> database_;
};

/// From begin to commit, or nothing of it: a transaction that may write, rolled back unless
/// committed.
class Transaction {
 public:
  explicit Transaction(const Database& database) : database_(database) {}
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  Status begin();
  Status commit();

 private:
  const Database& database_;
  bool open_ = false;
};

}  // namespace handmill::measure
