#include "cli/output_file.h"

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "base/error.h"

namespace handmill::cli {
namespace {

constexpr int kEndings[] = {SIGINT, SIGTERM, SIGHUP};
std::array<char, PATH_MAX> doomed{};  // what goes with the program where a signal ends it

void on_ending(int number) {
  ::unlink(doomed.data());
  ::raise(number);  // its own action is back: this ends the program as if nothing had been here
}

/// Only where the signal would end the program: others (the chat's Ctrl-C) are left alone.
void doom(const std::string& path) {
  if (doomed[0] != '\0' || path.size() >= doomed.size()) return;
  path.copy(doomed.data(), path.size());
  for (const int number : kEndings) {
    struct sigaction before{};
    if (::sigaction(number, nullptr, &before) != 0 || before.sa_handler != SIG_DFL) continue;
    struct sigaction action{};
    action.sa_handler = on_ending;
    action.sa_flags = SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    ::sigaction(number, &action, nullptr);
  }
}

void spare(const std::string& path) {
  if (path.empty() || path != doomed.data()) return;
  for (const int number : kEndings) {
    struct sigaction now{};
    if (::sigaction(number, nullptr, &now) == 0 && now.sa_handler == on_ending)
      std::signal(number, SIG_DFL);
  }
  doomed.fill('\0');
}

/// The file that `path` leads to, through links.
std::string target_of(const std::string& path) {
  char* real = ::realpath(path.c_str(), nullptr);
  std::string target = real == nullptr ? path : real;
  std::free(real);
  return target;
}

}  // namespace

Result<OutputFile> OutputFile::create(const std::string& path) {
  struct stat info{};
  const bool exists = ::stat(path.c_str(), &info) == 0;
  if (path.empty()) return base::invalid("an output file needs a name");
  if (exists && S_ISDIR(info.st_mode)) return base::invalid("{}: is a folder", path);
  if (path == "-" || (exists && !S_ISREG(info.st_mode))) {
    // A copy: closing it must leave standard output open.
    std::FILE* file =
        path == "-" ? ::fdopen(::dup(STDOUT_FILENO), "wb") : std::fopen(path.c_str(), "wb");
    if (file == nullptr) return base::io("{}: cannot open: {}", path, std::strerror(errno));
    return OutputFile(file, path, "");
  }
  const std::string target = exists ? target_of(path) : path;
  std::string temporary = fmt::format("{}.{}.part", target, ::getpid());
  doom(temporary);  // before it is there, or a signal in between would leave it
  std::FILE* file = std::fopen(temporary.c_str(), "wbxe");
  if (file == nullptr) {
    const int cause = errno;
    spare(temporary);
    return base::io("{}: cannot create: {}", temporary, std::strerror(cause));
  }
  if (exists) ::fchmod(::fileno(file), info.st_mode & 0777);
  return OutputFile(file, target, std::move(temporary));
}

OutputFile::OutputFile(std::FILE* file, std::string path, std::string temporary)
    : file_(file), path_(std::move(path)), temporary_(std::move(temporary)) {
  std::setvbuf(file_, nullptr, _IONBF, 0);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : file_(std::exchange(other.file_, nullptr)),
      path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})) {}

OutputFile::~OutputFile() {
  if (file_ != nullptr) std::fclose(file_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  spare(temporary_);
}

Error OutputFile::failure(const char* what) const {
  return base::io("{}: cannot {}: {}", path_, what, std::strerror(errno));
}

Status OutputFile::write(const void* bytes, size_t count) {
  if (std::fwrite(bytes, 1, count, file_) != count) return failure("write");
  return {};
}

Result<std::string> OutputFile::settle() {
  const int file = ::fileno(file_);
  if (std::fflush(file_) != 0 || ::fsync(file) != 0) return failure("write");
  ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  return temporary_.empty() ? path_ : temporary_;
}

Status OutputFile::commit() {
  if (std::fflush(file_) != 0) return failure("write");
  if (std::fclose(std::exchange(file_, nullptr)) != 0) return failure("write");
  if (temporary_.empty()) return {};
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failure("replace");
  spare(temporary_);
  temporary_.clear();
  return {};
}

Status write_file(const std::string& path, std::string_view text) {
  HANDMILL_TRY(OutputFile file, OutputFile::create(path));
  HANDMILL_OK(file.write(text.data(), text.size()));
  return file.commit();
}

}  // namespace handmill::cli
