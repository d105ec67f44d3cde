#include "cli/suggest.h"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

namespace handmill::cli {
namespace {

// Names are short; whatever is longer is a sentence, and no one's typing error.
constexpr size_t kLongestName = 128;

char folded(char c) {
  if (c == '_') return '-';
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string folded(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return folded(c); });
  return out;
}

}  // namespace

int edit_distance(std::string_view left, std::string_view right) {
  const std::string a = folded(left), b = folded(right);
  // Three rows of the table of distances between prefixes: before the last, last, present.
  std::vector<int> older(b.size() + 1), old(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) old[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int replaced = old[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, old[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], older[j - 2] + 1);
    }
    std::swap(older, old);
    std::swap(old, row);
  }
  return old[b.size()];
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> names) {
  if (word.empty() || word.size() > kLongestName) return std::nullopt;
  const std::string wanted = folded(word);
  const std::string* best = nullptr;
  int best_distance = 0;
  for (const std::string& name : names) {
    const std::string other = folded(name);
    const size_t shorter = std::min(wanted.size(), other.size());
    const bool begins =
        shorter >= 3 && wanted.compare(0, shorter, other, 0, shorter) == 0 && other != "--";
    // A name that was begun and not ended is as near as one with a single mistake.
    const int distance =
        begins ? std::min(1, edit_distance(wanted, other)) : edit_distance(wanted, other);
    const int allowed = static_cast<int>((std::max(wanted.size(), other.size()) + 2) / 3);
    if (!begins && (distance > allowed || distance >= static_cast<int>(shorter))) continue;
    if (best == nullptr || distance < best_distance) {
      best = &name;
      best_distance = distance;
    }
  }
  return best == nullptr ? std::nullopt : std::optional(*best);
}

std::string did_you_mean(std::string_view word, std::span<const std::string> names) {
  auto name = nearest(word, names);
  return name ? fmt::format(" (did you mean {}?)", *name) : "";
}

}  // namespace handmill::cli
