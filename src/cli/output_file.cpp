#include "cli/output_file.h"

#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "base/error.h"

namespace handmill::cli {

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
  std::string temporary = fmt::format("{}.{}.part", path, ::getpid());
  std::FILE* file = std::fopen(temporary.c_str(), "wbxe");
  if (file == nullptr) return base::io("{}: cannot create: {}", temporary, std::strerror(errno));
  return OutputFile(file, path, std::move(temporary));
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : file_(std::exchange(other.file_, nullptr)),
      path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})) {}

OutputFile::~OutputFile() {
  if (file_ != nullptr) std::fclose(file_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Error OutputFile::failure(const char* what) const {
  return base::io("{}: cannot {}: {}", path_, what, std::strerror(errno));
}

Status OutputFile::write(const void* bytes, size_t count) {
  if (std::fwrite(bytes, 1, count, file_) != count) return failure("write");
  return {};
}

Status OutputFile::commit() {
  if (std::fflush(file_) != 0) return failure("write");
  if (std::fclose(std::exchange(file_, nullptr)) != 0) return failure("write");
  if (temporary_.empty()) return {};
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failure("replace");
  temporary_.clear();
  return {};
}

}  // namespace handmill::cli
