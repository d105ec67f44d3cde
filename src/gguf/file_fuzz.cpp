// libFuzzer: any bytes are either a File whose every part can be read, or an Error with a message.
// Seeds: gguf_seeds FOLDER.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "gguf/file.h"
#include "gguf/touch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto file = handmill::gguf::File::parse({data, size}, "fuzz.gguf");
  if (!file.ok()) {
    if (!file.error().message.starts_with("fuzz.gguf: ")) std::abort();
    return 0;
  }
  [[maybe_unused]] volatile uint64_t sum = handmill::gguf::touch(*file);
  return 0;
}
