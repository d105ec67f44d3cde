#include "cli/machine_file.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/error.h"
#include "cli/home.h"
#include "cli/output_file.h"
#include "measure/survey.h"
#include "probe/machine.h"

namespace handmill::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kTextMax = size_t{1} << 20;

/// Letters and digits, lower case, and one '-' for what lies between them.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool kept = std::isalnum(static_cast<unsigned char>(c)) != 0 && (c & 0x80) == 0;
    if (kept)
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  while (out.ends_with('-')) out.pop_back();
  return out.substr(0, 128);
}

Result<std::string> read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(kTextMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.is_open() || in.bad()) return base::io("{}: cannot read: {}", path, std::strerror(errno));
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > kTextMax) return base::limit("{}: longer than 1 MiB", path);
  return text;
}

}  // namespace

std::string machine_path(const measure::Machine& machine) {
  const std::string home = home_folder();
  if (home.empty()) return "";
  const std::string isa = machine.engine.substr(0, machine.engine.find(','));
  return home + "/machines/" + plain(machine.name) + "-" + plain(isa) + ".json";
}

Result<std::optional<measure::Machine>> kept_machine(int threads) {
  HANDMILL_TRY(const probe::Machine system, probe::read_machine());
  const int used = threads > 0 ? threads : system.threads_best();
  measure::Machine wanted;
  wanted.name = measure::machine_name(system, used);
  wanted.engine = measure::engine_name(system, used);
  const std::string path = machine_path(wanted);
  std::error_code ignored;
  if (path.empty() || !fs::exists(path, ignored)) return std::optional<measure::Machine>();
  HANDMILL_TRY(const std::string text, read_text(path));
  auto machine = measure::machine_from_json(text);
  if (!machine.ok()) {
    const Error& error = machine.error();
    return base::make_error(error.code, "{}: {}; `handmill probe` writes it anew", path,
                            error.message);
  }
  // Two names may differ in what a path leaves out.
  if (machine->name != wanted.name || machine->engine != wanted.engine)
    return std::optional<measure::Machine>();
  return std::optional(std::move(*machine));
}

Status keep_machine(const measure::Machine& machine) {
  const std::string path = machine_path(machine);
  if (path.empty()) return base::not_found("no home folder to keep figures in: set HANDMILL_HOME");
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  if (error) return base::io("{}: cannot make its folder: {}", path, error.message());
  return write_file(path, boost::json::serialize(measure::to_json(machine)) + "\n");
}

}  // namespace handmill::cli
