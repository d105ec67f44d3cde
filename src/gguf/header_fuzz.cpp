// libFuzzer: a header that is read in pieces, however small the first, says what the whole file
// says or fails with the same words. The last byte chooses the first piece. Seeds: those of
// file_fuzz.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "gguf/pieces.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  if (!handmill::gguf::header_agrees({data, size - 1}, data[size - 1] + 1u)) std::abort();
  return 0;
}
