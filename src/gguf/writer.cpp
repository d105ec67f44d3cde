// The bytes of a GGUF file, in the order that the format has them. Invariant: every tensor's data
// begins at a multiple of the alignment, and the file ends padded to one.
#include "gguf/writer.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/quote.h"
#include "gguf/value.h"

namespace handmill::gguf {
namespace {

void put_bytes(std::vector<uint8_t>& out, const void* data, size_t size) {
  const size_t before = out.size();
  out.resize(before + size);
  if (size > 0) std::memcpy(out.data() + before, data, size);
}

template <class T>
void put(std::vector<uint8_t>& out, T value) {
  put_bytes(out, &value, sizeof value);
}

void put_string(std::vector<uint8_t>& out, std::string_view text) {
  put(out, static_cast<uint64_t>(text.size()));
  put_bytes(out, text.data(), text.size());
}

Status write_all(int fd, std::span<const uint8_t> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::io("{}: cannot write: {}", path, std::strerror(errno));
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace

Writer::Writer(uint32_t version, uint32_t alignment) : version_(version), alignment_(alignment) {
  assert(version == 2 || version == 3);
  assert(std::has_single_bit(alignment));
  if (alignment != kDefaultAlignment) set(kAlignmentKey, alignment);
}

std::vector<uint8_t>& Writer::slot(std::string_view key, ValueType type) {
  auto at =
      std::find_if(values_.begin(), values_.end(), [&](const auto& v) { return v.key == key; });
  if (at == values_.end()) at = values_.insert(at, Value{std::string(key), {}});
  at->bytes.clear();
  put(at->bytes, static_cast<uint32_t>(type));
  return at->bytes;
}

void Writer::set_bytes(std::string_view key, ValueType type, const void* value, size_t size) {
  put_bytes(slot(key, type), value, size);
}

void Writer::set_array_bytes(std::string_view key, ValueType type, uint64_t count,
                             const void* values, size_t size) {
  auto& out = slot(key, ValueType::kArray);
  put(out, static_cast<uint32_t>(type));
  put(out, count);
  put_bytes(out, values, size);
}

void Writer::set_string(std::string_view key, std::string_view value) {
  put_string(slot(key, ValueType::kString), value);
}

void Writer::set_strings(std::string_view key, std::span<const std::string_view> values) {
  auto& out = slot(key, ValueType::kArray);
  put(out, static_cast<uint32_t>(ValueType::kString));
  put(out, static_cast<uint64_t>(values.size()));
  for (std::string_view value : values) put_string(out, value);
}

void Writer::set_entry(const Entry& entry) {
  if (entry.key == kAlignmentKey) return;
  if (entry.type == ValueType::kArray) {
    set_array_bytes(entry.key, entry.element_type, entry.count, entry.bytes.data(),
                    entry.bytes.size());
  } else if (entry.type == ValueType::kString) {
    set_string(entry.key, {reinterpret_cast<const char*>(entry.bytes.data()), entry.bytes.size()});
  } else {
    set_bytes(entry.key, entry.type, entry.bytes.data(), entry.bytes.size());
  }
}

Status Writer::add_tensor(std::string_view name, tensor::Type type, std::span<const uint64_t> shape,
                          std::span<const uint8_t> data) {
  const std::string quoted = base::quoted(name);
  const tensor::Format* format = tensor::find_format(type);
  if (format == nullptr)
    return base::unsupported("tensor {}: type number {} cannot be written", quoted,
                             static_cast<uint32_t>(type));
  if (name.empty() || name.size() > kMaxNameBytes)
    return base::invalid("tensor {}: a name has 1 to {} bytes", quoted, kMaxNameBytes);
  if (names_.contains(std::string(name)))
    return base::invalid("tensor {}: the name is there already", quoted);
  if (shape.empty() || shape.size() > 4 ||
      shape[0] % static_cast<uint64_t>(format->block_cols) != 0)
    return base::invalid("tensor {}: {} takes 1 to 4 dimensions, the first a multiple of {}",
                         quoted, format->name, format->block_cols);
  std::optional<uint64_t> bytes = shape[0] / static_cast<uint64_t>(format->block_cols);
  bytes = base::checked_mul(*bytes, static_cast<uint64_t>(format->block_bytes));
  for (size_t i = 1; bytes && i < shape.size(); ++i) bytes = base::checked_mul(*bytes, shape[i]);
  if (!bytes || *bytes == 0 || *bytes != data.size())
    return base::invalid("tensor {}: {} bytes of data; the shape takes {}", quoted, data.size(),
                         bytes.value_or(0));
  names_.emplace(name);
  tensors_.push_back({std::string(name), type, {shape.begin(), shape.end()}, data});
  return {};
}

std::vector<uint8_t> Writer::head() const {
  std::vector<uint8_t> out;
  put_bytes(out, "GGUF", 4);
  put(out, version_);
  put(out, static_cast<uint64_t>(tensors_.size()));
  put(out, static_cast<uint64_t>(values_.size()));
  for (const Value& value : values_) {
    put_string(out, value.key);
    put_bytes(out, value.bytes.data(), value.bytes.size());
  }
  uint64_t offset = 0;
  for (const Row& tensor : tensors_) {
    put_string(out, tensor.name);
    put(out, static_cast<uint32_t>(tensor.shape.size()));
    for (uint64_t n : tensor.shape) put(out, n);
    put(out, static_cast<uint32_t>(tensor.type));
    put(out, offset);
    offset += padded(tensor.data.size());
  }
  out.resize(padded(out.size()), 0);
  return out;
}

std::vector<uint8_t> Writer::bytes() const {
  std::vector<uint8_t> out = head();
  for (const Row& tensor : tensors_) {
    put_bytes(out, tensor.data.data(), tensor.data.size());
    out.resize(padded(out.size()), 0);
  }
  return out;
}

Status Writer::write(const std::string& path) const {
  const std::string partial = path + ".partial";
  const int fd = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return base::io("{}: cannot create: {}", partial, std::strerror(errno));
  const std::vector<uint8_t> zeros(alignment_, 0);
  Status status = write_all(fd, head(), partial);
  for (size_t i = 0; status.ok() && i < tensors_.size(); ++i) {
    const auto data = tensors_[i].data;
    status = write_all(fd, data, partial);
    if (status.ok())
      status = write_all(fd, std::span(zeros).first(padded(data.size()) - data.size()), partial);
  }
  if (status.ok() && ::fsync(fd) != 0)
    status = base::io("{}: cannot sync: {}", partial, std::strerror(errno));
  if (::close(fd) != 0 && status.ok())
    status = base::io("{}: cannot close: {}", partial, std::strerror(errno));
  if (status.ok() && ::rename(partial.c_str(), path.c_str()) != 0)
    status = base::io("{}: cannot rename to {}: {}", partial, path, std::strerror(errno));
  if (!status.ok()) ::unlink(partial.c_str());
  return status;
}

}  // namespace handmill::gguf
