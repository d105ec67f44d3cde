// A File of which only the header is read, piece by piece, from wherever it lies. Invariant: the
// bytes that the views point into are headers_, which moves with the File and never changes.
#include <algorithm>
#include <utility>

#include "base/error.h"
#include "gguf/file.h"
#include "gguf/index.h"
#include "gguf/parse.h"

namespace handmill::gguf {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{1} << 48;  // so that sums over parts cannot wrap

/// Makes `begin` as long as `wanted`, or as the file; `file_bytes` is 0 until it is known.
Status extend(const std::string& path, const ReadPiece& read, uint64_t wanted,
              std::vector<uint8_t>& begin, uint64_t& file_bytes) {
  const bool is_first = begin.empty();
  HANDMILL_TRY(Piece piece, read(path, begin.size(), wanted - begin.size()));
  if (piece.file_bytes > kMaxFileBytes)
    return base::limit("{}: {} bytes; at most {} are read", path, piece.file_bytes, kMaxFileBytes);
  if (!is_first && piece.file_bytes != file_bytes)
    return base::invalid("{}: it had {} bytes and now has {}: it changed while it was read", path,
                         file_bytes, piece.file_bytes);
  file_bytes = piece.file_bytes;
  const uint64_t due = std::min(wanted, file_bytes) - begin.size();
  if (piece.bytes.size() != due)
    return base::io("{}: {} bytes came from byte {} on; {} were asked for", path,
                    piece.bytes.size(), begin.size(), due);
  begin.insert(begin.end(), piece.bytes.begin(), piece.bytes.end());
  return {};
}

}  // namespace

Result<File> File::Index::fetch_one(const std::string& path, const ReadPiece& read,
                                    uint64_t piece_bytes) {
  std::vector<uint8_t> begin;
  uint64_t file_bytes = 0, wanted = std::clamp<uint64_t>(piece_bytes, 1, kMaxHeaderBytes);
  while (true) {
    HANDMILL_OK(extend(path, read, wanted, begin, file_bytes));
    const Source source{begin, file_bytes, path};
    uint64_t missing = 0;
    auto part = parse_part(source, missing);
    if (part.ok()) {
      for (Tensor& tensor : part->tensors) tensor.data = {};  // a small file came as a whole
      HANDMILL_TRY(File file, make(std::move(*part), source));
      file.headers_.push_back(std::move(begin));
      return file;
    }
    if (missing == 0) return std::move(part).error();
    if (missing > kMaxHeaderBytes)
      return base::limit("{}: a header of more than {} bytes; at most that is read", path,
                         kMaxHeaderBytes);
    wanted = std::min(std::max(missing, 2 * wanted), kMaxHeaderBytes);
  }
}

Result<File> File::read_header(const std::string& path, const ReadPiece& read,
                               uint64_t piece_bytes) {
  return Index::open_all(
      path, [&](const std::string& part) { return Index::fetch_one(part, read, piece_bytes); });
}

}  // namespace handmill::gguf
