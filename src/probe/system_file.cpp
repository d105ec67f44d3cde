// Reading and cutting up the kernel's text files. Invariant: no input makes these fail other than
// by nullopt or by fewer pieces.
#include "probe/system_file.h"

#include <fstream>

namespace handmill::probe {
namespace {
constexpr std::string_view kSpace = " \t\r\n";
constexpr std::streamsize kBytesMax = 1 << 20;
}  // namespace

std::optional<std::string> read_system_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text;
  char chunk[4096];
  while (static_cast<std::streamsize>(text.size()) < kBytesMax) {
    file.read(chunk, sizeof chunk);
    if (file.gcount() == 0) break;
    text.append(chunk, static_cast<size_t>(file.gcount()));
  }
  if (file.bad()) return std::nullopt;
  return text;
}

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const size_t end = text.find(separator);
    pieces.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return pieces;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (text = trim(text); !text.empty(); text = trim(text)) {
    const size_t end = std::min(text.find_first_of(kSpace), text.size());
    pieces.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return pieces;
}

std::optional<uint64_t> find_number(std::string_view text, std::string_view key) {
  for (std::string_view line : split(text, '\n')) {
    const auto pieces = words(line);
    if (pieces.size() < 2) continue;
    std::string_view name = pieces[0];
    if (name.ends_with(':')) name.remove_suffix(1);
    if (name == key) return parse_number<uint64_t>(pieces[1]);
  }
  return std::nullopt;
}

}  // namespace handmill::probe
