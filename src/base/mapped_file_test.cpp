// What can be mapped and what cannot, and that let-go pages are gone and come back.
#include "base/mapped_file.h"

#include <algorithm>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "base/temp_folder.h"

namespace handmill::base {
namespace {

TEST(MappedFile, HoldsTheBytesWhileItLives) {
  TempFolder folder;
  const std::string path = folder.file("f", std::string_view("some bytes"));
  auto file = MappedFile::open(path);
  ASSERT_TRUE(file.ok()) << file.error().message;
  std::filesystem::remove(path);
  EXPECT_EQ(file->path(), path);
  const uint8_t* data = file->bytes().data();
  const MappedFile moved = std::move(*file);
  EXPECT_EQ(moved.bytes().data(), data);
  EXPECT_TRUE(std::ranges::equal(moved.bytes(), std::string_view("some bytes")));
}

TEST(MappedFile, AnEmptyFileHasNoBytes) {
  TempFolder folder;
  auto file = MappedFile::open(folder.file("empty", std::string_view()));
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_TRUE(file->bytes().empty());
}

TEST(MappedFile, WhatIsNoRegularFileIsRefusedAtOnce) {
  TempFolder folder;
  const auto code = [](const std::string& path) {
    auto file = MappedFile::open(path);
    EXPECT_FALSE(file.ok()) << path;
    if (file.ok()) return Code::kLimit;
    EXPECT_TRUE(file.error().message.starts_with(path + ": ")) << file.error().message;
    return file.error().code;
  };
  EXPECT_EQ(code(folder / "none"), Code::kNotFound);
  EXPECT_EQ(code(folder.path()), Code::kInvalid);
  EXPECT_EQ(code("/dev/zero"), Code::kInvalid);
  EXPECT_EQ(code(folder.file("file", std::string_view("x")) + "/below"), Code::kIo);
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(code(folder / "fifo"), Code::kInvalid);  // nobody writes to it: would wait for ever
}

/// Whether each page of a mapping is in this process's memory now: bit 63 of its page map entry.
std::vector<bool> resident(std::span<const uint8_t> bytes, size_t page) {
  std::vector<uint64_t> entries((bytes.size() + page - 1) / page);
  const int map = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  const auto at = static_cast<off_t>(reinterpret_cast<uintptr_t>(bytes.data()) / page * 8);
  const ssize_t read = ::pread(map, entries.data(), entries.size() * 8, at);
  ::close(map);
  std::vector<bool> pages;
  if (read != static_cast<ssize_t>(entries.size() * 8)) return pages;
  for (uint64_t entry : entries) pages.push_back(entry >> 63 != 0);
  return pages;
}

TEST(MappedFile, LetsGoOfWholePagesThatComeBack) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<uint8_t> wanted(6 * page + 100);
  for (size_t i = 0; i < wanted.size(); ++i) wanted[i] = static_cast<uint8_t>(i / page * 7 + i);
  TempFolder folder;
  auto file = MappedFile::open(folder.file("f", wanted));
  ASSERT_TRUE(file.ok()) << file.error().message;
  const auto bytes = file->bytes();
  ASSERT_TRUE(std::ranges::equal(bytes, wanted));
  if (resident(bytes, page) != std::vector<bool>(7, true)) GTEST_SKIP() << "no page map here";
  MappedFile::release(bytes.subspan(page + 1, 3 * page - 1));  // of page 1 all but a byte
  EXPECT_EQ(resident(bytes, page), (std::vector<bool>{true, true, false, false, true, true, true}));
  MappedFile::release(bytes.subspan(5 * page + 10, 20));  // inside one page
  MappedFile::release({});
  EXPECT_EQ(resident(bytes, page), (std::vector<bool>{true, true, false, false, true, true, true}));
  EXPECT_TRUE(std::ranges::equal(bytes, wanted));
}

}  // namespace
}  // namespace handmill::base
