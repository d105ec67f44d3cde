#include "cli/model_header.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "base/error.h"
#include "cli/hub.h"
#include "cli/model_name.h"
#include "cli/progress_bar.h"
#include "cli/session.h"
#include "net/client.h"

namespace handmill::cli {
namespace {

constexpr size_t kMaxWords = 1000;  // of a refusal

/// Bytes of files elsewhere, by ranges where the server has them.
class RemoteFile {
 public:
  RemoteFile(net::Client client, std::vector<net::Header> secrets, ProgressBar& bar)
      : client_(std::move(client)), secrets_(std::move(secrets)), bar_(bar) {}

  Result<gguf::Piece> read(const std::string& url, uint64_t first, uint64_t bytes);
  uint64_t fetched() const { return fetched_; }

 private:
  Status take(const net::Response& response, uint64_t first, gguf::Piece& piece) const;
  Status check_same(const std::string& url, const net::Response& response);

  net::Client client_;
  std::vector<net::Header> secrets_;
  ProgressBar& bar_;
  uint64_t fetched_ = 0;
  std::map<std::string, std::string> versions_;  // what each address said of its content first
};

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The size of the whole file, which a range or the whole answer says.
std::optional<uint64_t> size_of(const net::Response& response) {
  if (response.status == 206) return response.range ? response.range->total : std::nullopt;
  const auto length = number(response.header("content-length"));
  return length || response.stopped ? length : response.bytes;
}

bool is_page(const net::Response& response, const std::vector<uint8_t>& bytes) {
  return response.header("content-type").starts_with("text/html") ||
         (!bytes.empty() && bytes[0] == '<');
}

Status RemoteFile::check_same(const std::string& url, const net::Response& response) {
  std::string version(response.header("etag"));
  if (version.empty()) version = response.header("last-modified");
  const auto [at, is_first] = versions_.emplace(url, version);
  if (is_first || at->second == version) return {};
  return base::invalid("{}: it changed while it was read", url);
}

Result<gguf::Piece> RemoteFile::read(const std::string& url, uint64_t first, uint64_t bytes) {
  gguf::Piece piece;
  std::string words;  // of a refusal
  uint64_t skip = 0;  // of an answer that is the whole, before the range
  const auto sink = [&](const net::Response& so_far, std::string_view part) {
    if (so_far.status != 200 && so_far.status != 206) {
      words += part.substr(0, kMaxWords - words.size());
      return words.size() < kMaxWords;
    }
    const uint64_t before = so_far.status == 200 ? first : 0;
    const size_t skipped = static_cast<size_t>(std::min<uint64_t>(before - skip, part.size()));
    skip += skipped;
    part.remove_prefix(skipped);
    part = part.substr(0, static_cast<size_t>(bytes - piece.bytes.size()));
    piece.bytes.insert(piece.bytes.end(), part.begin(), part.end());
    bar_.update(first + piece.bytes.size(), first + bytes);
    return so_far.status == 206 || piece.bytes.size() < bytes;
  };
  auto answer = client_.stream(
      {.url = url, .secrets = secrets_, .range = net::ByteRange{first, bytes}}, sink);
  if (!answer.ok()) return std::move(answer).error();
  net::Response& response = *answer;
  fetched_ += response.bytes;
  if (response.status != 200 && response.status != 206) {
    response.body = std::move(words);
    return refusal(response);
  }
  HANDMILL_OK(check_same(url, response));
  const auto size = size_of(response);
  if (!size) return base::invalid("{}: the server does not say how large it is", url);
  piece.file_bytes = *size;
  const bool is_gguf =
      std::string_view(reinterpret_cast<const char*>(piece.bytes.data()), piece.bytes.size())
          .starts_with("GGUF");
  if (first == 0 && !is_gguf && is_page(response, piece.bytes))
    return base::invalid(
        "{}: what came is a web page, not a GGUF file; is this the address of the "
        "file itself?",
        url);
  return piece;
}

std::string name_of_address(std::string_view url) {
  const std::string_view path = url.substr(0, url.find_first_of("?#"));
  const std::string_view last = path.substr(path.rfind('/') + 1);
  const std::string name = name_of_file(last);
  return name.empty() ? std::string(last) : name;
}

Result<ModelHeader> fetch_header(const std::string& word) {
  HANDMILL_TRY(net::Client client, net::Client::make());
  HANDMILL_TRY(RemoteModel remote, find_remote(client, word));
  ModelHeader header;
  header.name = name_of_address(remote.url);
  ProgressBar bar("Reading the header of " + header.name);
  RemoteFile elsewhere(std::move(client), std::move(remote.secrets), bar);
  HANDMILL_TRY(gguf::File file,
               gguf::File::read_header(remote.url,
                                       [&](const std::string& url, uint64_t first, uint64_t bytes) {
                                         return elsewhere.read(url, first, bytes);
                                       }));
  header.file = std::make_shared<const gguf::File>(std::move(file));
  header.fetched_bytes = elsewhere.fetched();
  return header;
}

}  // namespace

Result<ModelHeader> open_model_header(const std::string& word) {
  if (is_remote(word)) return fetch_header(word);
  HANDMILL_TRY(const ModelFile model, find_model(word));
  HANDMILL_TRY(auto file, open_file(model));
  return ModelHeader{model.name, std::move(file), 0};
}

}  // namespace handmill::cli
