// gguf_seeds FOLDER: writes the fuzzer's seed corpus, small valid files from our own writer, each
// of which must read back.
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>

#include "gguf/samples.h"

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  using namespace handmill;
  if (argc != 2) {
    fmt::print(stderr, "usage: gguf_seeds FOLDER\n");
    return 2;
  }
  std::error_code failed;
  fs::create_directories(argv[1], failed);
  int n_bad = 0;
  for (const gguf::Sample& sample : gguf::samples()) {
    const fs::path path = fs::path(argv[1]) / (sample.name + ".gguf");
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(sample.bytes.data()),
               static_cast<std::streamsize>(sample.bytes.size()));
    auto file = gguf::File::open(path.string());
    if (!file.ok()) fmt::print(stderr, "{}\n", file.error().message);
    n_bad += !file.ok();
  }
  return n_bad == 0 ? 0 : 1;
}
