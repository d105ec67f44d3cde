// Reads GGUF v2 and v3 (little-endian), whole or split ("-00001-of-00003.gguf"): bytes in, metadata
// and tensor table out. Nothing is allocated before its count is held against the bytes that are
// left, so any file costs at most a small multiple of its size; each fault is an Error that names
// file, field and offset. Source: the GGUF specification (ggml docs/gguf.md).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "tensor/format.h"

namespace handmill::gguf {

enum class ValueType : uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64,
};

/// One metadata entry, as it lies in the file.
struct Entry {
  std::string_view key;
  ValueType type;
  ValueType element_type;  // of an array; otherwise equal to `type`
  uint64_t count;          // elements of an array; otherwise 1
  /// The value's bytes: a string's text without its length; an array's elements without its type
  /// and count (strings in it with their lengths).
  std::span<const uint8_t> bytes;
  uint64_t offset;  // in the file, of what follows the value type
};

struct Tensor {
  std::string_view name;
  const tensor::Format* format;
  std::array<uint64_t, 4>
      shape;  // as in the file: shape[0] is the row length (columns), shape[1] the rows; rest 1
  int n_dims;
  uint64_t bytes;                 // of its data, wherever that is
  std::span<const uint8_t> data;  // in the mapping; empty where only the header was read
  uint64_t cols() const { return shape[0]; }
  uint64_t rows() const { return shape[1] * shape[2] * shape[3]; }
};

/// A part of a file that is elsewhere.
struct Piece {
  std::vector<uint8_t> bytes;
  uint64_t file_bytes = 0;  // of the whole file, the same each time
};
/// Brings the bytes of the file at `path` from `first` on, `bytes` of them, or fewer where it ends.
using ReadPiece =
    std::function<Result<Piece>(const std::string& path, uint64_t first, uint64_t bytes)>;

/// Far above any real header (a large vocabulary with its merges takes some 20 MB).
inline constexpr uint64_t kMaxHeaderBytes = 256 << 20;

/// Immutable after open; any thread may read. Views stay valid as long as the File (moving it keeps
/// them).
class File {
 public:
  /// A split file is opened by its first part; the others must lie beside it.
  static Result<File> open(const std::string& path);
  /// Parses bytes that the caller keeps alive; `name` stands for the path in errors.
  static Result<File> parse(std::span<const uint8_t> bytes, std::string name);

  /// Metadata and tensor table alone, through `read` and only as far as they go: first
  /// `piece_bytes`, then twice as much each time, up to kMaxHeaderBytes. All is checked as in a
  /// file that is here, offsets against its size; the data of the tensors is left out. `path` may
  /// be an address; other parts of a split file are read from beside it.
  static Result<File> read_header(const std::string& path, const ReadPiece& read,
                                  uint64_t piece_bytes = 1 << 20);

  const std::string& path() const { return path_; }
  uint64_t bytes() const { return bytes_; }  // of all parts
  /// Whether the data of the tensors is here, or only the header.
  bool has_data() const { return headers_.empty(); }
  /// When a part was last written, the latest of them; 0 for parsed bytes.
  int64_t modified_ns() const;
  uint32_t version() const { return version_; }

  std::span<const Entry> metadata() const { return entries_; }
  std::span<const Tensor> tensors() const { return tensors_; }
  const Entry* find(std::string_view key) const;
  const Tensor* find_tensor(std::string_view name) const;
  /// Lets go of the memory of a part of a tensor's data, which a later read brings back from the
  /// file. Nothing for parsed bytes, which are the caller's. Any thread.
  void release(std::span<const uint8_t> part) const {
    if (!parts_.empty()) base::MappedFile::release(part);
  }
  bool has(std::string_view key) const { return find(key) != nullptr; }

  // Typed reads. A missing key is kNotFound; a value of another kind is kInvalid naming both kinds.
  // Any integer type serves get_uint and get_int where the value fits; any float or integer type
  // serves get_float.
  Result<uint64_t> get_uint(std::string_view key) const;
  Result<int64_t> get_int(std::string_view key) const;
  Result<double> get_float(std::string_view key) const;
  Result<bool> get_bool(std::string_view key) const;
  Result<std::string_view> get_string(std::string_view key) const;
  Result<std::vector<std::string_view>> get_strings(std::string_view key) const;
  Result<std::vector<int64_t>> get_ints(
      std::string_view key) const;  // array of any integer or bool type
  Result<std::vector<float>> get_floats(std::string_view key) const;  // array of any float type

 private:
  struct Index;
  std::string path_;
  uint64_t bytes_ = 0;
  uint32_t version_ = 0;
  std::vector<base::MappedFile> parts_;
  std::vector<std::vector<uint8_t>> headers_;  // of the parts, where nothing more was read
  std::vector<Entry> entries_;
  std::vector<Tensor> tensors_;
  std::shared_ptr<const Index> index_;  // names to positions
};

}  // namespace handmill::gguf
