#include "measure/disk.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <linux/magic.h>
#include <memory>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <vector>

#include "base/error.h"
#include "measure/timing.h"

namespace handmill::measure {
namespace {

constexpr size_t kChunk = size_t{4} << 20;
constexpr size_t kLeast = size_t{1} << 20, kMost = size_t{512} << 20;
constexpr double kSeconds = 1;
constexpr size_t kPage = 4096;

class File {
 public:
  File(const std::string& path, int flags)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

/// A file system that lies in memory may take O_DIRECT all the same.
bool in_memory(int file) {
  struct statfs system{};
  return ::fstatfs(file, &system) == 0 &&
         (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC);
}

/// Whether the system drops the file's pages when asked. Those that somebody maps or writes stay.
bool dropped(int file, size_t bytes) {
  if (::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) != 0) return false;
  void* mapped = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) return false;
  std::vector<unsigned char> resident((bytes + kPage - 1) / kPage);
  const bool known = ::mincore(mapped, bytes, resident.data()) == 0;
  ::munmap(mapped, bytes);
  const auto kept = std::ranges::count_if(resident, [](unsigned char page) { return page & 1; });
  return known && static_cast<size_t>(kept) * 50 < resident.size();
}

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

/// Bytes a second, or 0 where reading fails.
double read_rate(int file, size_t bytes) {
  const std::unique_ptr<void, Free> buffer(std::aligned_alloc(kPage, kChunk));
  if (buffer == nullptr) return 0;
  size_t done = 0;
  double seconds = 0;
  while (done < bytes && seconds < kSeconds) {
    ssize_t got = 0;
    seconds +=
        seconds_of([&] { got = ::pread(file, buffer.get(), kChunk, static_cast<off_t>(done)); });
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return 0;
    done += static_cast<size_t>(got);
    if (static_cast<size_t>(got) < kChunk) break;  // the end, or a place that is not aligned
  }
  return done < kLeast || seconds <= 0 ? 0 : static_cast<double>(done) / seconds;
}

}  // namespace

Result<double> measure_disk(const std::string& path) {
  const File plain(path, 0);
  struct stat status{};
  if (plain.descriptor() < 0 || ::fstat(plain.descriptor(), &status) != 0)
    return base::io("{}: cannot open: {}", path, std::strerror(errno));
  if (!S_ISREG(status.st_mode) || static_cast<size_t>(status.st_size) < kLeast)
    return base::invalid("{}: no file of at least 1 MiB", path);
  if (in_memory(plain.descriptor()))
    return base::unsupported("{}: lies in memory, on no disk", path);
  const size_t bytes = std::min(static_cast<size_t>(status.st_size), kMost);
  if (const File direct(path, O_DIRECT); direct.descriptor() >= 0)
    if (const double rate = read_rate(direct.descriptor(), bytes); rate > 0) return rate;
  if (!dropped(plain.descriptor(), bytes))
    return base::unsupported("{}: its pages stay in memory", path);
  const double rate = read_rate(plain.descriptor(), bytes);
  if (rate > 0) return rate;
  return base::io("{}: cannot read", path);
}

}  // namespace handmill::measure
