// tensor_dump: runs this room's code over files, so that the Python tests can hold its bits against
// the `gguf` package's. Serves the tests alone.
//   tensor_dump decode TYPE IN OUT   rows of blocks to float32
//   tensor_dump encode TYPE IN OUT   float32 to blocks
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tensor/format.h"

namespace {

using handmill::tensor::Format;

int fail(const char* what, const char* subject) {
  std::fprintf(stderr, "tensor_dump: %s: %s\n", what, subject);
  return 1;
}

std::vector<uint8_t> decode(const Format& format, const std::vector<uint8_t>& blocks) {
  const size_t cols = blocks.size() / format.block_bytes * format.block_cols;
  std::vector<float> values(cols);
  dequantize_row(format, blocks.data(), cols, values.data());
  std::vector<uint8_t> bytes(cols * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::vector<uint8_t> encode(const Format& format, const std::vector<uint8_t>& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  const size_t n_blocks = values.size() / format.block_cols;
  std::vector<uint8_t> blocks(n_blocks * format.block_bytes);
  for (size_t i = 0; i < n_blocks; ++i) {
    format.encode(&values[i * format.block_cols], &blocks[i * format.block_bytes]);
  }
  return blocks;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return fail("usage", "tensor_dump decode|encode TYPE IN OUT");
  const Format* format = handmill::tensor::find_format(std::string_view(argv[2]));
  if (!format) return fail("no such type", argv[2]);
  const bool encodes = std::string_view(argv[1]) == "encode";
  if (encodes && !format->encode) return fail("no encoder", argv[2]);

  std::ifstream in(argv[3], std::ios::binary);
  const std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(in), {}};
  const size_t unit = encodes ? sizeof(float) * format->block_cols : format->block_bytes;
  if (in.bad() || bytes.empty() || bytes.size() % unit != 0)
    return fail("not whole blocks", argv[3]);

  const auto result = encodes ? encode(*format, bytes) : decode(*format, bytes);
  std::ofstream out(argv[4], std::ios::binary);
  out.write(reinterpret_cast<const char*>(result.data()),
            static_cast<std::streamsize>(result.size()));
  return out.flush() ? 0 : fail("cannot write", argv[4]);
}
