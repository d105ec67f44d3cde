// A File from one mapping or from the caller's bytes, and the lookup by name. Invariant: index_ is
// of these very entries_ and tensors_, and no name stands twice.
#include "gguf/file.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/quote.h"
#include "gguf/index.h"
#include "gguf/parse.h"

namespace handmill::gguf {

Result<File> File::Index::read_one(std::span<const uint8_t> bytes, std::string name) {
  const Source source{bytes, bytes.size(), name};
  uint64_t wanted = 0;  // nothing: all is here
  HANDMILL_TRY(Part part, parse_part(source, wanted));
  return make(std::move(part), source);
}

Result<File> File::Index::make(Part part, const Source& source) {
  File file;
  file.path_ = source.name;
  file.bytes_ = source.file_bytes;
  file.version_ = part.version;
  file.entries_ = std::move(part.entries);
  file.tensors_ = std::move(part.tensors);
  auto index = std::make_shared<Index>();
  index->keys = std::move(part.keys);
  index->names = TensorIndex(file.tensors_);
  if (const Tensor* twice = index->names.repeated(file.tensors_))
    return base::invalid(
        "{}: tensor {} {} name at byte {}: an earlier tensor has this name", file.path_,
        twice - file.tensors_.data(), base::quoted(twice->name),
        reinterpret_cast<const uint8_t*>(twice->name.data()) - source.begin.data());
  file.index_ = std::move(index);
  return file;
}

Result<File> File::Index::map_one(const std::string& path) {
  HANDMILL_TRY(base::MappedFile mapping, base::MappedFile::open(path));
  HANDMILL_TRY(File file, read_one(mapping.bytes(), path));
  file.parts_.push_back(std::move(mapping));
  return file;
}

Result<File> File::open(const std::string& path) { return Index::open_all(path, Index::map_one); }

Result<File> File::parse(std::span<const uint8_t> bytes, std::string name) {
  HANDMILL_TRY(File file, Index::read_one(bytes, std::move(name)));
  HANDMILL_TRY(const uint64_t count, Index::part_count(file));
  if (count == 1) return file;
  return base::unsupported(
      "{}: split.count at byte {}: {}; the parts of a split file are found by its path, not from "
      "bytes alone",
      file.path_, file.find("split.count")->offset, count);
}

int64_t File::modified_ns() const {
  int64_t latest = 0;
  for (const base::MappedFile& part : parts_) latest = std::max(latest, part.modified_ns());
  return latest;
}

const Entry* File::find(std::string_view key) const {
  return index_ ? index_->keys.find(entries_, key) : nullptr;
}

const Tensor* File::find_tensor(std::string_view name) const {
  return index_ ? index_->names.find(tensors_, name) : nullptr;
}

}  // namespace handmill::gguf
