// handmill prepare: writes a model's panel file, reads it back, and only then puts it in its place.
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <sys/statvfs.h>

#include "backend/cpu/cpu.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/figures.h"
#include "cli/home.h"
#include "cli/output_file.h"
#include "cli/progress_bar.h"
#include "cli/session.h"
#include "model/panels.h"
#include "probe/machine.h"

namespace handmill::cli {
namespace {

namespace fs = std::filesystem;

struct PrepareOptions {
  std::string model;
  int threads = 0;
  bool check = false;
  bool remove = false;
};

Result<std::unique_ptr<backend::Backend>> make_backend(int threads) {
  HANDMILL_TRY(const probe::Machine machine, probe::read_machine());
  return backend::make_cpu_backend(threads > 0 ? threads : machine.threads_best());
}

/// A file in the first place that takes one, and its folder. Ours is made where it is not there.
struct Target {
  std::string path;
  OutputFile file;
};
Result<Target> create(const std::vector<std::string>& places) {
  std::string why;
  for (const std::string& place : places) {
    std::error_code ignored;
    if (place != places.front()) fs::create_directories(fs::path(place).parent_path(), ignored);
    auto file = OutputFile::create(place);
    if (file.ok()) return Target{place, std::move(*file)};
    why += (why.empty() ? "" : "; ") + file.error().message;
  }
  return base::io("{}", why);
}

Status check_room(const std::string& path, uint64_t needed) {
  const fs::path folder = fs::absolute(path).parent_path();
  struct statvfs disk{};
  if (::statvfs(folder.c_str(), &disk) != 0)
    return base::io("{}: cannot tell its free space: {}", folder.string(), std::strerror(errno));
  const uint64_t free = uint64_t{disk.f_bavail} * disk.f_frsize;
  if (needed <= free) return {};
  return base::limit("{}: prepared weights take {}; {} are free", folder.string(),
                     bytes_text(needed), bytes_text(free));
}

Status verify(const ModelFile& model, const model::Panels& panels) {
  ProgressBar bar("Verifying " + model.name);
  return panels.verify(bar.callback());
}

Status write(const ModelFile& model, const gguf::File& file, backend::Backend& backend,
             OutputFile& output) {
  {
    ProgressBar bar("Preparing " + model.name);
    const auto sink = [&](std::span<const uint8_t> bytes) {
      return output.write(bytes.data(), bytes.size());
    };
    HANDMILL_OK(model::write_panels(file, backend, sink, bar.callback()));
  }
  HANDMILL_TRY(const std::string written, output.settle());
  HANDMILL_TRY(const model::Panels panels, model::Panels::open(written, file, backend));
  HANDMILL_OK(verify(model, panels));
  return output.commit();
}

Result<int> remove(const ModelFile& model, const std::vector<std::string>& places) {
  bool any = false;
  for (const std::string& place : places) {
    std::error_code error;
    const bool removed = fs::remove(place, error);
    if (error) return base::io("{}: cannot remove: {}", place, error.message());
    if (removed) fmt::print("removed {}\n", place);
    any |= removed;
  }
  if (!any) fmt::print("{} is not prepared: there is nothing to remove\n", model.name);
  return kExitOk;
}

/// Every byte of the file that the next start would map.
Result<int> check(const ModelFile& model, const gguf::File& file, const backend::Backend& backend,
                  const std::vector<std::string>& places) {
  for (const std::string& place : places) {
    auto panels = model::Panels::open(place, file, backend);
    if (!panels.ok() && panels.error().code == Code::kNotFound) continue;
    if (!panels.ok()) return std::move(panels).error();
    HANDMILL_OK(verify(model, *panels));
    fmt::print("{}: whole, and made from this model\n", place);
    return kExitOk;
  }
  return base::not_found("{} is not prepared: there is no {}", model.name, places.front());
}

Result<int> prepare(const PrepareOptions& options) {
  HANDMILL_TRY(const ModelFile model, find_model(options.model));
  HANDMILL_TRY(const auto file, open_file(model));
  const std::vector<std::string> places = model::panel_places(*file, panels_folder());
  if (options.remove) return remove(model, places);
  HANDMILL_TRY(const auto backend, make_backend(options.threads));
  if (options.check) return check(model, *file, *backend, places);
  HANDMILL_TRY(Target target, create(places));
  const uint64_t bytes = model::panel_file_bytes(*file, *backend);
  HANDMILL_OK(check_room(target.path, bytes));
  HANDMILL_OK(write(model, *file, *backend, target.file));
  fmt::print("{}: {}, verified; from now on {} starts from it\n", target.path, bytes_text(bytes),
             model.name);
  return kExitOk;
}

}  // namespace

Action declare_prepare(Args& args) {
  auto options = std::make_shared<PrepareOptions>();
  declare_model(args, options->model);
  args.flag("--check", options->check, "Only verify what is there, to the last byte");
  args.flag("--remove", options->remove, "Only remove what is there");
  args.check([options]() -> Status {
    if (!options->check || !options->remove) return {};
    return base::invalid("--check and --remove exclude each other");
  });
  declare_threads(args, options->threads);
  args.note(
      "Prepared weights lie beside the model as NAME.panels, or in\n"
      "~/.local/share/handmill/panels where its folder cannot be written. They take about as much\n"
      "room again; the model itself is still needed. A start uses them only while they fit the\n"
      "model.\n"
      "Examples:\n"
      "  handmill prepare\n"
      "  handmill prepare ./model.gguf && handmill run ./model.gguf");
  return [options] { return prepare(*options); };
}

}  // namespace handmill::cli
