// Reads one architecture's hyper-parameters ("llama.block_count") out of a file's metadata. Every
// value is held against a range before anything is sized by it; an error names file, key, value and
// range. Serves config.cpp, rope.cpp and arch/.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "gguf/file.h"

namespace handmill::model {

/// `file` must outlive it.
class Keys {
 public:
  Keys(const gguf::File& file, std::string_view architecture)
      : file_(file), prefix_(std::string(architecture) + ".") {}

  const gguf::File& file() const { return file_; }
  bool has(std::string_view key) const { return file_.has(prefix_ + std::string(key)); }

  /// An integer in 1 … `max`. A list with one value for each layer counts as that value where all
  /// are equal, and is kUnsupported where they differ.
  Result<int> count(std::string_view key, int max) const;
  Result<int> count_or(std::string_view key, int otherwise, int max) const;
  /// A finite number in `min` … `max`.
  Result<double> number(std::string_view key, double min, double max) const;
  Result<double> number_or(std::string_view key, double otherwise, double min, double max) const;
  Result<std::string_view> text_or(std::string_view key, std::string_view otherwise) const;

  /// kUnsupported unless the number is missing or equal to `neutral`.
  Status require(std::string_view key, double neutral) const;

  /// Starts of messages: "FILE: llama.block_count".
  std::string name(std::string_view key) const;

 private:
  Result<uint64_t> integer(std::string_view key) const;

  const gguf::File& file_;
  std::string prefix_;
};

}  // namespace handmill::model
