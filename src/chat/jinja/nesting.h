// Counts levels of nesting for as long as it lives.
#pragma once

namespace handmill::chat::jinja {

class Nesting {
 public:
  explicit Nesting(int& depth, int levels = 1) : depth_(depth), levels_(levels) {
    depth_ += levels_;
  }
  ~Nesting() { depth_ -= levels_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;

 private:
  int& depth_;
  int levels_;
};

}  // namespace handmill::chat::jinja
