#include "measure/database.h"

#include <sqlite3.h>

#include "base/error.h"

namespace handmill::measure {
namespace {

/// No text of ours is near it, and no row of a damaged file may ask for more.
constexpr int kTextMax = 1 << 16;

}  // namespace

void Statement::Close::operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
void Database::Close::operator()(sqlite3* database) const { ::sqlite3_close_v2(database); }

Status Statement::bind(std::span<const Value> values) {
  sqlite3_stmt* statement = statement_.get();
  ::sqlite3_reset(statement);
  for (size_t i = 0; i < values.size(); ++i) {
    const int place = static_cast<int>(i) + 1;
    int code = SQLITE_OK;
    if (const auto* whole = std::get_if<int64_t>(&values[i]))
      code = ::sqlite3_bind_int64(statement, place, *whole);
    else if (const auto* real = std::get_if<double>(&values[i]))
      code = ::sqlite3_bind_double(statement, place, *real);
    else if (const auto* text = std::get_if<std::string_view>(&values[i]))
      code = ::sqlite3_bind_text(statement, place, text->data(), static_cast<int>(text->size()),
                                 SQLITE_STATIC);
    if (code != SQLITE_OK) return database_->fault(code);
  }
  return {};
}

Result<bool> Statement::next() {
  const int code = ::sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error error = database_->fault(code);
  ::sqlite3_reset(statement_.get());
  return error;
}

int64_t Statement::integer(int column) const {
  return ::sqlite3_column_int64(statement_.get(), column);
}
double Statement::real(int column) const {
  return ::sqlite3_column_double(statement_.get(), column);
}
std::string Statement::text(int column) const {
  const unsigned char* text = ::sqlite3_column_text(statement_.get(), column);
  if (text == nullptr) return "";
  return {reinterpret_cast<const char*>(text),
          static_cast<size_t>(::sqlite3_column_bytes(statement_.get(), column))};
}
bool Statement::is_null(int column) const {
  return ::sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Access access,
                                                 int wait_ms) {
  auto database = std::unique_ptr<Database>(new Database(path));
  sqlite3* opened = nullptr;
  const int flags = (access == Access::kRead ? SQLITE_OPEN_READONLY
                                             : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  const int code = ::sqlite3_open_v2(path.c_str(), &opened, flags, nullptr);
  database->database_.reset(opened);
  if (code != SQLITE_OK) {
    if (code == SQLITE_CANTOPEN && access == Access::kRead)
      return base::not_found("{}: there is no such file, or it cannot be read", path);
    return database->fault(code);
  }
  ::sqlite3_extended_result_codes(opened, 1);
  ::sqlite3_busy_timeout(opened, wait_ms);
  ::sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, kTextMax);
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const int code = ::sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                        &statement, nullptr);
  if (code != SQLITE_OK) return fault(code);
  return Statement(this, statement);
}

Status Database::run(std::string_view sql, std::span<const Statement::Value> values) const {
  HANDMILL_TRY(Statement statement, prepare(sql));
  HANDMILL_OK(statement.bind(values));
  HANDMILL_TRY(bool more, statement.next());
  while (more) {
    HANDMILL_TRY(more, statement.next());
  }
  return {};
}

Result<int64_t> Database::number(std::string_view sql) const {
  HANDMILL_TRY(Statement statement, prepare(sql));
  HANDMILL_TRY(const bool found, statement.next());
  return found ? statement.integer(0) : int64_t{0};
}

int64_t Database::last_id() const { return ::sqlite3_last_insert_rowid(database_.get()); }

Error Database::fault(int code) const {
  const char* message =
      database_ != nullptr ? ::sqlite3_errmsg(database_.get()) : ::sqlite3_errstr(code);
  const int kind = code & 0xff;
  if (kind == SQLITE_NOTADB || kind == SQLITE_CORRUPT)
    return base::invalid("{}: damaged ({}); move it away, and a new one is begun", path_, message);
  return base::io("{}: {}", path_, message);
}

Transaction::~Transaction() {
  if (open_) static_cast<void>(database_.run("ROLLBACK"));
}

Status Transaction::begin() {
  HANDMILL_OK(database_.run("BEGIN IMMEDIATE"));
  open_ = true;
  return {};
}

Status Transaction::commit() {
  HANDMILL_OK(database_.run("COMMIT"));
  open_ = false;
  return {};
}

}  // namespace handmill::measure
