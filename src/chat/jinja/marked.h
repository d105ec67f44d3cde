// A string that knows which of its bytes a user wrote and which the template did; the mark follows
// the bytes through every operation, so that a prompt's control tokens can only come from the
// template. Always valid UTF-8. Growth past kTextBytesMax is not stored, only remembered:
// overflowed() then says so, and whoever keeps the string must ask.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace handmill::chat::jinja {

class Marked {
 public:
  struct Run {
    size_t end;  // offset behind its last byte
    bool user;
  };

  Marked() = default;
  /// Not held to the limit: this is how input comes in.
  Marked(std::string bytes, bool user);

  std::string_view view() const { return bytes_; }
  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  const std::vector<Run>& runs() const { return runs_; }
  bool overflowed() const { return overflowed_; }
  bool user_at(size_t offset) const;  // REQUIRES: offset < size()

  void append(std::string_view bytes, bool user);
  void append(const Marked& other) { append(other, 0, other.size()); }
  void append(const Marked& other, size_t begin, size_t end);
  void append_repeated(const Marked& other, size_t count);
  Marked slice(size_t begin, size_t end) const;

  bool safe = false;  // Python's Markup: what is joined to it with + is HTML-escaped

 private:
  bool fits(size_t more);

  std::string bytes_;
  std::vector<Run> runs_;  // ascending; neighbours differ
  bool overflowed_ = false;
};

}  // namespace handmill::chat::jinja
