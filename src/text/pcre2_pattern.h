// A regular expression run by PCRE2 in Unicode mode: the oracle of the hand-written finders. For
// tests.
#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include <cassert>
#include <pcre2.h>
#include <string>

#include "text/split.h"

namespace handmill::text {

class Pcre2Pattern {
 public:
  explicit Pcre2Pattern(const std::string& pattern) {
    int error = 0;
    size_t offset = 0;
    code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                          PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY, &error, &offset, nullptr);
    assert(code_ != nullptr);
    pcre2_jit_compile(code_, PCRE2_JIT_COMPLETE);
    data_ = pcre2_match_data_create_from_pattern(code_, nullptr);
  }
  Pcre2Pattern(const Pcre2Pattern&) = delete;
  Pcre2Pattern& operator=(const Pcre2Pattern&) = delete;
  ~Pcre2Pattern() {
    pcre2_match_data_free(data_);
    pcre2_code_free(code_);
  }

  /// REQUIRES: valid UTF-8.
  Match find(std::string_view text, size_t from) const {
    int found = pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                            PCRE2_NO_UTF_CHECK, data_, nullptr);
    assert(found > 0 || found == PCRE2_ERROR_NOMATCH);
    if (found <= 0) return {text.size(), text.size()};
    const size_t* span = pcre2_get_ovector_pointer(data_);
    return {span[0], span[1]};
  }

 private:
  pcre2_code* code_ = nullptr;
  pcre2_match_data* data_ = nullptr;
};

}  // namespace handmill::text
