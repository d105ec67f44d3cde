// Bounded reads over a GGUF header. Invariant: offset_ <= begin_.size() <= size_, and no length or
// count is used before it is known to fit into the file.
#include "gguf/reader.h"

#include "base/quote.h"

namespace handmill::gguf {

std::string Field::text() const {
  if (of.empty()) return std::string(what);
  if (name.empty()) return fmt::format("{} {} {}", of, number, what);
  return fmt::format("{} {} {} {}", of, number, base::quoted(name), what);
}

Error Reader::fault_text(Code code, const Field& field, uint64_t at,
                         const std::string& text) const {
  return {code, fmt::format("{}: {} at byte {}: {}", file_, field.text(), at, text)};
}

Error Reader::ends_early(const Field& field, uint64_t wanted) const {
  return fault(Code::kInvalid, field, offset(),
               "the file ends here: {} bytes are left of {}; it is cut short or damaged",
               remaining(), wanted);
}

Result<std::span<const uint8_t>> Reader::take(const Field& field, uint64_t bytes) {
  if (remaining() < bytes) return ends_early(field, bytes);
  if (begin_.size() - offset_ < bytes) {
    wanted_ = offset_ + bytes;
    return fault(Code::kLimit, field, offset_, "only the first {} bytes of the file are here",
                 begin_.size());
  }
  auto taken = begin_.subspan(offset_, bytes);
  offset_ += bytes;
  return taken;
}

Result<std::string_view> Reader::string(const Field& field, uint64_t bytes_max) {
  const uint64_t at = offset();
  HANDMILL_TRY(const uint64_t length, number<uint64_t>(field));
  if (length > remaining())
    return fault(Code::kInvalid, field, at, "length {}, but only {} bytes are left", length,
                 remaining());
  if (length > bytes_max)
    return fault(Code::kLimit, field, at, "length {}; at most {} bytes are read", length,
                 bytes_max);
  HANDMILL_TRY(auto bytes, take(field, length));
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Result<uint64_t> Reader::count(const Field& field, uint64_t bytes_min, uint64_t count_max) {
  const uint64_t at = offset();
  HANDMILL_TRY(const uint64_t count, number<uint64_t>(field));
  if (count > remaining() / bytes_min)
    return fault(Code::kInvalid, field, at,
                 "{}, but the {} bytes that are left hold at most {} (each takes {} or more)",
                 count, remaining(), remaining() / bytes_min, bytes_min);
  if (count > count_max)
    return fault(Code::kLimit, field, at, "{}; at most {} are read", count, count_max);
  return count;
}

Result<std::span<const uint8_t>> Reader::strings(const Field& field, uint64_t count) {
  const uint64_t before = offset_;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t at = offset();
    HANDMILL_TRY(const uint64_t length, number<uint64_t>(field));
    if (length > remaining())
      return fault(Code::kInvalid, field, at, "string {} has length {}, but only {} bytes are left",
                   i, length, remaining());
    HANDMILL_OK(take(field, length));
  }
  return begin_.subspan(before, offset_ - before);
}

}  // namespace handmill::gguf
