// Header, metadata and tensor table of one GGUF file. Invariant: an Entry or a Tensor is made only
// when all that it says of the file is true, so nobody after this file checks a bound again.
#include "gguf/parse.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>

#include "base/checked.h"
#include "base/quote.h"
#include "gguf/reader.h"

namespace handmill::gguf {
namespace {

// Least bytes that a table's row can take: with a key or name of one byte.
constexpr uint64_t kEntryBytesMin = 8 + 1 + 4 + 1;           // key, type, value
constexpr uint64_t kTensorBytesMin = 8 + 1 + 4 + 8 + 4 + 8;  // name, count, one dim, type, offset

struct Header {
  uint32_t version;
  uint64_t n_tensors;
  uint64_t n_entries;
};

/// What the table says of a tensor's place, until the data section's begin is known.
struct Place {
  uint64_t offset;  // in the data section
  uint64_t bytes;
  uint64_t field;  // where in the file the offset is written
};

Status check_version(const Reader& reader, uint32_t version) {
  const Field field{"version"};
  if (version == 2 || version == 3) return {};
  if (version != 0 && (version & 0xffffffu) == 0)
    return reader.fault(Code::kUnsupported, field, 4,
                        "{:#010x}: the file is big-endian (version {}); only little-endian files "
                        "are read",
                        version, __builtin_bswap32(version));
  return reader.fault(Code::kUnsupported, field, 4, "{}; versions 2 and 3 are read{}", version,
                      version == 1 ? " (version 1 was replaced in 2023: convert it anew)" : "");
}

Result<Header> parse_header(Reader& reader) {
  const Field magic{"magic"};
  HANDMILL_TRY(auto letters, reader.take(magic, 4));
  const std::string_view text(reinterpret_cast<const char*>(letters.data()), letters.size());
  if (text != "GGUF")
    return reader.fault(Code::kInvalid, magic, 0, "{}; a GGUF file begins with \"GGUF\"",
                        base::quoted(text));
  Header header{};
  HANDMILL_TRY(header.version, reader.number<uint32_t>({"version"}));
  HANDMILL_OK(check_version(reader, header.version));
  // The counts stand before everything that they count: each alone must fit, and both together.
  HANDMILL_TRY(header.n_tensors, reader.count({"tensor count"}, kTensorBytesMin, kMaxTensors));
  const uint64_t at = reader.offset();
  const Field field{"metadata count"};
  HANDMILL_TRY(header.n_entries, reader.count(field, kEntryBytesMin, kMaxEntries));
  if (header.n_entries * kEntryBytesMin + header.n_tensors * kTensorBytesMin > reader.remaining())
    return reader.fault(Code::kInvalid, field, at,
                        "{}, which with {} tensors does not fit into the {} bytes that are left",
                        header.n_entries, header.n_tensors, reader.remaining());
  return header;
}

Status check_bools(const Reader& reader, const Field& field, const Entry& entry) {
  const uint64_t at = reader.offset() - entry.bytes.size();
  for (size_t i = 0; i < entry.bytes.size(); ++i)
    if (entry.bytes[i] > 1)
      return reader.fault(Code::kInvalid, field, at + i, "bool {}; 0 or 1 would be right",
                          entry.bytes[i]);
  return {};
}

Result<ValueType> parse_value_type(Reader& reader, const Field& field) {
  const uint64_t at = reader.offset();
  HANDMILL_TRY(const uint32_t number, reader.number<uint32_t>(field));
  if (number >= kValueTypes)
    return reader.fault(Code::kInvalid, field, at, "{}; 0 to {} would be right", number,
                        kValueTypes - 1);
  return static_cast<ValueType>(number);
}

Status parse_array(Reader& reader, const Field& field, Entry& entry) {
  const uint64_t at = reader.offset();
  HANDMILL_TRY(entry.element_type, parse_value_type(reader, field.with("array element type")));
  if (entry.element_type == ValueType::kArray)
    return reader.fault(Code::kUnsupported, field.with("array element type"), at,
                        "an array of arrays; arrays of numbers, bools and strings are read");
  const uint64_t bytes_min = value_bytes_min(entry.element_type);
  HANDMILL_TRY(entry.count, reader.count(field.with("array length"), bytes_min,
                                         std::numeric_limits<uint64_t>::max()));
  const Field elements = field.with("array elements");
  if (entry.element_type == ValueType::kString) {
    HANDMILL_TRY(entry.bytes, reader.strings(elements, entry.count));
    return {};
  }
  HANDMILL_TRY(entry.bytes, reader.take(elements, entry.count * bytes_min));
  if (entry.element_type == ValueType::kBool) return check_bools(reader, elements, entry);
  return {};
}

Result<Entry> parse_entry(Reader& reader, uint64_t number) {
  Field field{"key", "metadata entry", number};
  const uint64_t key_at = reader.offset();
  Entry entry{};
  HANDMILL_TRY(entry.key, reader.string(field, kMaxKeyBytes));
  if (entry.key.empty())
    return reader.fault(Code::kInvalid, field, key_at, "empty; a key has at least one byte");
  field.name = entry.key;
  HANDMILL_TRY(entry.type, parse_value_type(reader, field.with("value type")));
  entry.element_type = entry.type;
  entry.count = 1;
  entry.offset = reader.offset();
  const Field value = field.with("value");
  if (entry.type == ValueType::kArray) {
    HANDMILL_OK(parse_array(reader, field, entry));
  } else if (entry.type == ValueType::kString) {
    HANDMILL_TRY(auto text, reader.string(value, std::numeric_limits<uint64_t>::max()));
    entry.bytes = {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
  } else {
    HANDMILL_TRY(entry.bytes, reader.take(value, value_bytes_min(entry.type)));
    if (entry.type == ValueType::kBool) HANDMILL_OK(check_bools(reader, value, entry));
  }
  return entry;
}

Status parse_metadata(Reader& reader, uint64_t count, std::span<const uint8_t> file, Part& part) {
  part.entries.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    HANDMILL_TRY(Entry entry, parse_entry(reader, i));
    part.entries.push_back(entry);
  }
  part.keys = EntryIndex(part.entries);
  if (const Entry* twice = part.keys.repeated(part.entries)) {
    const auto number = static_cast<uint64_t>(twice - part.entries.data());
    const auto at = reinterpret_cast<const uint8_t*>(twice->key.data()) - file.data();
    return reader.fault(Code::kInvalid, {"key", "metadata entry", number, twice->key},
                        static_cast<uint64_t>(at),
                        "an earlier entry has this key; each stands once");
  }
  return {};
}

Result<uint64_t> parse_alignment(const Reader& reader, const Part& part) {
  const Entry* entry = part.keys.find(part.entries, kAlignmentKey);
  if (entry == nullptr) return uint64_t{kDefaultAlignment};
  const auto number = static_cast<uint64_t>(entry - part.entries.data());
  const Field field{"value", "metadata entry", number, kAlignmentKey};
  if (entry->type != ValueType::kUint32)
    return reader.fault(Code::kInvalid, field, entry->offset, "is {}; uint32 would be right",
                        kind_name(*entry));
  const auto alignment = load<uint32_t>(entry->bytes.data());
  if (!std::has_single_bit(alignment))
    return reader.fault(Code::kInvalid, field, entry->offset,
                        "{}; a power of two, such as 32, would be right", alignment);
  return uint64_t{alignment};
}

std::string supported_types() {
  std::string text;
  for (const tensor::Format& format : tensor::formats()) {
    if (!text.empty()) text += ", ";
    text += format.name;
  }
  return text;
}

Result<const tensor::Format*> parse_format(Reader& reader, const Field& tensor) {
  const Field field = tensor.with("type");
  const uint64_t at = reader.offset();
  HANDMILL_TRY(const uint32_t number, reader.number<uint32_t>(field));
  const tensor::Format* format = tensor::find_format(static_cast<tensor::Type>(number));
  if (format != nullptr) return format;
  const std::string_view name = tensor::type_name(number);
  return reader.fault(Code::kUnsupported, field, at, "{} (number {}); supported: {}",
                      name.empty() ? "unknown" : name, number, supported_types());
}

Status parse_shape(Reader& reader, const Field& tensor, Tensor& out) {
  uint64_t at = reader.offset();
  HANDMILL_TRY(const uint32_t n_dims, reader.number<uint32_t>(tensor.with("dimension count")));
  if (n_dims < 1 || n_dims > out.shape.size())
    return reader.fault(Code::kInvalid, tensor.with("dimension count"), at,
                        "{}; 1 to {} would be right", n_dims, out.shape.size());
  out.n_dims = static_cast<int>(n_dims);
  out.shape.fill(1);
  for (uint32_t i = 0; i < n_dims; ++i) {
    at = reader.offset();
    HANDMILL_TRY(out.shape[i], reader.number<uint64_t>(tensor.with("dimension")));
    if (out.shape[i] == 0)
      return reader.fault(Code::kInvalid, tensor.with("dimension"), at,
                          "0 (of dimension {}); at least 1 would be right", i);
  }
  return {};
}

/// Bytes that the shape takes in its format; `at` is where the shape is written.
Result<uint64_t> tensor_bytes(const Reader& reader, const Field& tensor, uint64_t at,
                              const Tensor& t) {
  const auto block_cols = static_cast<uint64_t>(t.format->block_cols);
  const auto block_bytes = static_cast<uint64_t>(t.format->block_bytes);
  if (t.cols() % block_cols != 0)
    return reader.fault(Code::kInvalid, tensor.with("dimension"), at,
                        "rows of {} columns; {} takes a multiple of {}", t.cols(), t.format->name,
                        block_cols);
  auto bytes = base::checked_mul(t.cols() / block_cols, block_bytes);
  for (size_t i = 1; bytes && i < t.shape.size(); ++i)
    bytes = base::checked_mul(*bytes, t.shape[i]);
  // Elements are counted in 64 bits by everyone after us, and blocks hold more elements than bytes.
  auto elements = base::checked_mul(t.shape[0], t.shape[1]);
  for (size_t i = 2; elements && i < t.shape.size(); ++i)
    elements = base::checked_mul(*elements, t.shape[i]);
  if (!bytes || !elements || *elements > std::numeric_limits<int64_t>::max())
    return reader.fault(Code::kInvalid, tensor.with("dimension"), at,
                        "the shape {}×{}×{}×{} has more elements than 64 bits count", t.shape[0],
                        t.shape[1], t.shape[2], t.shape[3]);
  return *bytes;
}

Result<Place> parse_tensor(Reader& reader, uint64_t number, uint64_t alignment, Tensor& out) {
  Field field{"name", "tensor", number};
  const uint64_t name_at = reader.offset();
  HANDMILL_TRY(out.name, reader.string(field, kMaxNameBytes));
  if (out.name.empty())
    return reader.fault(Code::kInvalid, field, name_at, "empty; a name has at least one byte");
  field.name = out.name;
  const uint64_t shape_at = reader.offset() + sizeof(uint32_t);
  HANDMILL_OK(parse_shape(reader, field, out));
  HANDMILL_TRY(out.format, parse_format(reader, field));
  Place place{};
  HANDMILL_TRY(place.bytes, tensor_bytes(reader, field, shape_at, out));
  place.field = reader.offset();
  HANDMILL_TRY(place.offset, reader.number<uint64_t>(field.with("offset")));
  if (place.offset % alignment != 0)
    return reader.fault(Code::kInvalid, field.with("offset"), place.field,
                        "{}; a multiple of the alignment, {}, would be right", place.offset,
                        alignment);
  return place;
}

/// Gives every tensor its bytes; refuses those that reach beyond the file or into each other.
Status place_tensors(const Reader& reader, std::span<const Place> places, uint64_t alignment,
                     const Source& source, Part& part) {
  // reader.offset() <= source.begin.size() and alignment < 2^32: the sum cannot wrap.
  const uint64_t begin = *base::checked_align(reader.offset(), alignment);
  const uint64_t room = begin <= reader.size() ? reader.size() - begin : 0;
  const bool whole = source.begin.size() == source.file_bytes;
  auto field = [&](uint64_t i) { return Field{"offset", "tensor", i, part.tensors[i].name}; };
  for (uint64_t i = 0; i < places.size(); ++i) {
    const auto [offset, bytes, at] = places[i];
    if (offset > room || bytes > room - offset)
      return reader.fault(Code::kInvalid, field(i), at,
                          "{} and {} bytes of data from there, but the data section (at byte {}) "
                          "has {} bytes: cut short or damaged",
                          offset, bytes, begin, room);
    part.tensors[i].bytes = bytes;
    if (whole) part.tensors[i].data = source.begin.subspan(begin + offset, bytes);
  }
  std::vector<uint32_t> order(places.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return places[a].offset < places[b].offset; });
  for (size_t i = 1; i < order.size(); ++i) {
    const Place& before = places[order[i - 1]];
    const Place& after = places[order[i]];
    if (before.offset + before.bytes > after.offset)
      return reader.fault(Code::kInvalid, field(order[i]), after.field,
                          "{} lies inside the {} bytes of tensor {} at offset {}", after.offset,
                          before.bytes, base::quoted(part.tensors[order[i - 1]].name),
                          before.offset);
  }
  return {};
}

Result<Part> parse_all(Reader& reader, const Source& source) {
  HANDMILL_TRY(const Header header, parse_header(reader));
  Part part;
  part.version = header.version;
  HANDMILL_OK(parse_metadata(reader, header.n_entries, source.begin, part));
  HANDMILL_TRY(const uint64_t alignment, parse_alignment(reader, part));
  std::vector<Place> places;
  places.reserve(header.n_tensors);
  part.tensors.reserve(header.n_tensors);
  for (uint64_t i = 0; i < header.n_tensors; ++i) {
    Tensor& tensor = part.tensors.emplace_back();
    HANDMILL_TRY(const Place place, parse_tensor(reader, i, alignment, tensor));
    places.push_back(place);
  }
  HANDMILL_OK(place_tensors(reader, places, alignment, source, part));
  return part;
}

}  // namespace

Result<Part> parse_part(const Source& source, uint64_t& wanted) {
  Reader reader(source.begin, source.file_bytes, source.name);
  auto part = parse_all(reader, source);
  wanted = reader.wanted();
  return part;
}

}  // namespace handmill::gguf
