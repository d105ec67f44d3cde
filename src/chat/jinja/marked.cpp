// Keeps the runs of a Marked: ascending ends, neighbours of different marks.
#include "chat/jinja/marked.h"

#include <algorithm>

#include "chat/jinja/limits.h"

namespace handmill::chat::jinja {
namespace {

auto run_at(const std::vector<Marked::Run>& runs, size_t offset) {
  return std::upper_bound(runs.begin(), runs.end(), offset,
                          [](size_t o, const Marked::Run& run) { return o < run.end; });
}

}  // namespace

Marked::Marked(std::string bytes, bool user) : bytes_(std::move(bytes)) {
  if (!bytes_.empty()) runs_.push_back({bytes_.size(), user});
}

bool Marked::fits(size_t more) {
  if (bytes_.size() <= kTextBytesMax && more <= kTextBytesMax - bytes_.size()) return true;
  overflowed_ = true;
  return false;
}

bool Marked::user_at(size_t offset) const { return run_at(runs_, offset)->user; }

void Marked::append(std::string_view bytes, bool user) {
  if (bytes.empty() || !fits(bytes.size())) return;
  bytes_ += bytes;
  if (!runs_.empty() && runs_.back().user == user) {
    runs_.back().end = bytes_.size();
  } else {
    runs_.push_back({bytes_.size(), user});
  }
}

void Marked::append(const Marked& other, size_t begin, size_t end) {
  if (other.overflowed_) overflowed_ = true;
  for (auto run = run_at(other.runs_, begin); begin < end; ++run) {
    size_t stop = std::min(end, run->end);
    append(other.view().substr(begin, stop - begin), run->user);
    begin = stop;
  }
}

void Marked::append_repeated(const Marked& other, size_t count) {
  if (other.empty() || count == 0) return;
  if (count > kTextBytesMax || !fits(other.size() * count)) {
    overflowed_ = true;
    return;
  }
  for (size_t i = 0; i < count; ++i) append(other);
}

Marked Marked::slice(size_t begin, size_t end) const {
  Marked part;
  part.append(*this, begin, end);
  part.safe = safe;
  return part;
}

}  // namespace handmill::chat::jinja
