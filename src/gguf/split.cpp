// Split files: NAME-00001-of-00003.gguf with split.no, split.count and split.tensors.count in each
// part, metadata in the first. Invariant: a joined File has every tensor that its first part
// promises, and every part agrees on its own number and on the count.
#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/quote.h"
#include "gguf/index.h"

namespace handmill::gguf {
namespace {

constexpr uint64_t kMaxParts = 4096;  // the kernel allows some 65,000 mappings in all

std::string suffix(uint64_t number, uint64_t count) {
  return fmt::format("-{:05}-of-{:05}.gguf", number + 1, count);
}

/// The path without its "-00001-of-00003.gguf", where it has that of this part.
std::optional<std::string> stem(const std::string& path, uint64_t number, uint64_t count) {
  const std::string end = suffix(number, count);
  if (!path.ends_with(end)) return std::nullopt;
  return path.substr(0, path.size() - end.size());
}

Status require(const File& file, std::string_view key, uint64_t wanted) {
  HANDMILL_TRY(const uint64_t value, file.get_uint(key));
  if (value == wanted) return {};
  return base::invalid("{}: {} at byte {}: {}; as this part of its split file, {} would be right",
                       file.path(), key, file.find(key)->offset, value, wanted);
}

Status check_first(const File& first, uint64_t count) {
  HANDMILL_TRY(const uint64_t number, first.get_uint("split.no"));
  if (number == 0) {
    if (stem(first.path(), 0, count)) return {};
    return base::invalid(
        "{}: split.count at byte {}: {}, so the file's name must end in \"{}\" for the other parts "
        "to be found",
        first.path(), first.find("split.count")->offset, count, suffix(0, count));
  }
  const auto own = number < count ? stem(first.path(), number, count) : std::nullopt;
  return base::invalid("{}: split.no at byte {}: {}, which is not the first part of {}; open {}",
                       first.path(), first.find("split.no")->offset, number, count,
                       own ? *own + suffix(0, count) : "the one named …" + suffix(0, count));
}

}  // namespace

Result<uint64_t> File::Index::part_count(const File& file) {
  const Entry* entry = file.find("split.count");
  if (entry == nullptr) return uint64_t{1};
  HANDMILL_TRY(const uint64_t count, file.get_uint("split.count"));
  if (count > kMaxParts)
    return base::limit("{}: split.count at byte {}: {}; at most {} parts are read", file.path_,
                       entry->offset, count, kMaxParts);
  return std::max(count, uint64_t{1});
}

Result<File> File::Index::open_all(const std::string& path, const Open& open) {
  HANDMILL_TRY(File file, open(path));
  HANDMILL_TRY(const uint64_t count, part_count(file));
  if (count == 1) return file;
  return join(std::move(file), count, open);
}

Result<File> File::Index::join(File first, uint64_t count, const Open& open) {
  HANDMILL_OK(check_first(first, count));
  HANDMILL_TRY(const uint64_t n_tensors, first.get_uint("split.tensors.count"));
  const std::string begin = *stem(first.path_, 0, count);
  std::vector<std::pair<size_t, std::string>> ends = {{first.tensors_.size(), first.path_}};
  for (uint64_t i = 1; i < count; ++i) {
    const std::string path = begin + suffix(i, count);
    auto part = open(path);
    if (!part.ok() && part.error().code == Code::kNotFound)
      return base::not_found("{}: part {} of {} is missing: {}", first.path_, i + 1, count, path);
    if (!part.ok()) return std::move(part).error();
    HANDMILL_OK(require(*part, "split.no", i));
    HANDMILL_OK(require(*part, "split.count", count));
    HANDMILL_OK(require(*part, "split.tensors.count", n_tensors));
    first.bytes_ += part->bytes_;
    std::ranges::move(part->parts_, std::back_inserter(first.parts_));
    std::ranges::move(part->headers_, std::back_inserter(first.headers_));
    first.tensors_.insert(first.tensors_.end(), part->tensors_.begin(), part->tensors_.end());
    ends.emplace_back(first.tensors_.size(), path);
  }
  if (first.tensors_.size() != n_tensors)
    return base::invalid("{}: split.tensors.count at byte {}: {}, but the {} parts hold {} tensors",
                         first.path_, first.find("split.tensors.count")->offset, n_tensors, count,
                         first.tensors_.size());
  auto index = std::make_shared<Index>(*first.index_);
  index->names = TensorIndex(first.tensors_);
  if (const Tensor* twice = index->names.repeated(first.tensors_)) {
    const auto position = static_cast<size_t>(twice - first.tensors_.data());
    const auto part = std::find_if(ends.begin(), ends.end(),
                                   [&](const auto& end) { return position < end.first; });
    return base::invalid("{}: tensor {}: an earlier part has a tensor of this name", part->second,
                         base::quoted(twice->name));
  }
  first.index_ = std::move(index);
  return first;
}

}  // namespace handmill::gguf
