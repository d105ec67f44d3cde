// What utf8proc's categories and simple case mappings leave out of Python's view of Unicode.
#pragma once

namespace handmill::chat::jinja {

struct CodeRange {
  char32_t first, last;
};
struct SpecialCase {
  char32_t code_point;
  const char* upper;
  const char* title;
};

extern const CodeRange kOtherDigits[20];      // isdigit, though not Nd
extern const CodeRange kOtherUppercase[5];    // uppercase, though not Lu
extern const CodeRange kOtherLowercase[24];   // lowercase, though not Ll
extern const CodeRange kOtherNumeric[72];     // numeric, though not Nd, Nl or No
extern const SpecialCase kSpecialCases[102];  // one letter becomes several, or title differs

}  // namespace handmill::chat::jinja
