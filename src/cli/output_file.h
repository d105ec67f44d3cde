// A file that appears complete or not at all: written beside its place and moved there by commit().
// What is no regular file ("-", /dev/stdout, a FIFO) is written straight. A file that is replaced
// keeps its mode, and a link to one stays a link.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/result.h"

namespace handmill::cli {

class OutputFile {
 public:
  static Result<OutputFile> create(const std::string& path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  /// Without commit() the file is dropped, and so it is where a signal (Ctrl-C) ends the program;
  /// the latter for one file at a time.
  ~OutputFile();

  /// Each call reaches the system as one piece, so small ones are dear.
  Status write(const void* bytes, size_t count);
  /// Has all bytes on the disk and none of them in memory: gives the path from which they can be
  /// read back before commit().
  Result<std::string> settle();
  Status commit();

 private:
  OutputFile(std::FILE* file, std::string path, std::string temporary);
  Error failure(const char* what) const;

  std::FILE* file_;
  std::string path_;
  std::string temporary_;  // empty where it is written straight
};

/// All of a file at once.
Status write_file(const std::string& path, std::string_view text);

}  // namespace handmill::cli
