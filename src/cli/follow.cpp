#include "cli/follow.h"

#include <cstdlib>
#include <spdlog/spdlog.h>
#include <string_view>

#include "cli/home.h"
#include "cli/machine_file.h"
#include "probe/machine.h"

namespace handmill::cli {
namespace {

constexpr const char* kVariable = "HANDMILL_LEDGER";

}  // namespace

const char* const kLedgerNote =
    "Every run is held against what was predicted of it, in ledger.db of handmill's home: names,\n"
    "counts and seconds, no text. `handmill explain --ledger` shows it; HANDMILL_LEDGER=off keeps\n"
    "nothing.";

std::string ledger_path() {
  const char* asked = std::getenv(kVariable);
  const std::string home = home_folder();
  if (home.empty() || (asked != nullptr && std::string_view(asked) == "off")) return "";
  return home + "/ledger.db";
}

std::unique_ptr<measure::Recorder> make_recorder() {
  return std::make_unique<measure::Recorder>(measure::Recorder::Options{
      .path = ledger_path(), .version = HANDMILL_VERSION, .warn = [](const Error& error) {
        spdlog::warn("runs are not held against predictions: {}", error.message);
      }});
}

std::shared_ptr<const measure::Subject> subject_of(const std::string& model, const gguf::File& file,
                                                   backend::KvType kv, int threads, int chunk) {
  auto machine = kept_machine(threads);
  if (!machine.ok()) {
    spdlog::warn("nothing is predicted: {}", machine.error().message);
    return nullptr;
  }
  if (!*machine) return nullptr;
  const auto system = probe::read_machine();
  if (threads == 0 && system.ok()) threads = system->threads_best();
  auto subject = measure::Subject::read(model, file, *std::move(*machine), kv, threads, chunk);
  if (!subject.ok()) {
    spdlog::warn("{}: nothing is predicted: {}", model, subject.error().message);
    return nullptr;
  }
  return std::make_shared<const measure::Subject>(std::move(*subject));
}

}  // namespace handmill::cli
