#include "measure/disk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/temp_folder.h"

namespace handmill::measure {
namespace {

TEST(Disk, AFileIsReadOrThereIsNoFigure) {
  const base::TempFolder folder;
  const std::string path = folder.file("f", std::string(size_t{3} << 20, 'x'));
  const int file = ::open(path.c_str(), O_RDONLY);
  ::fsync(file);
  ::close(file);
  const auto rate = measure_disk(path);
  if (rate.ok()) {
    EXPECT_GT(*rate, 0);
  } else {
    EXPECT_EQ(rate.error().code, Code::kUnsupported) << rate.error().message;
  }
}

TEST(Disk, WhatIsNoFileOrTooShortIsAnError) {
  const base::TempFolder folder;
  EXPECT_EQ(measure_disk(folder / "none").error().code, Code::kIo);
  EXPECT_EQ(measure_disk(folder.path()).error().code, Code::kInvalid);
  EXPECT_EQ(measure_disk(folder.file("short", "x")).error().code, Code::kInvalid);
  EXPECT_EQ(measure_disk("/dev/zero").error().code, Code::kInvalid);
}

/// Memory behind a file is no disk.
TEST(Disk, AFileInMemoryHasNoFigure) {
  const int file = ::memfd_create("handmill", 0);
  if (file < 0) GTEST_SKIP() << "no memory files here";
  ASSERT_EQ(::ftruncate(file, 4 << 20), 0);
  const std::string text(4 << 20, 'x');
  ASSERT_EQ(::write(file, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  const auto rate = measure_disk("/proc/self/fd/" + std::to_string(file));
  ::close(file);
  ASSERT_FALSE(rate.ok());
  EXPECT_EQ(rate.error().code, Code::kUnsupported) << rate.error().message;
}

}  // namespace
}  // namespace handmill::measure
