#include "measure/synthetic.h"

#include <random>
#include <vector>

namespace handmill::measure {

Made<backend::Array> random_array(backend::Backend& backend, size_t rows, size_t cols) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  HANDMILL_TRY(auto array, backend.array(rows, cols));
  std::vector<float> values(cols);
  for (float& value : values) value = uniform(random);
  for (size_t row = 0; row < rows; ++row) backend.write(*array, row, values);
  return array;
}

std::vector<uint8_t> random_blocks(const tensor::Format& format, size_t rows, size_t cols) {
  std::vector<uint8_t> data(rows * cols / static_cast<size_t>(format.block_cols) *
                            static_cast<size_t>(format.block_bytes));
  std::mt19937 random(1);
  for (uint8_t& byte : data) byte = static_cast<uint8_t>(random() & 0x3B);  // no infinite scales
  return data;
}

Made<backend::Matrix> random_matrix(backend::Backend& backend, const tensor::Format& format,
                                    size_t rows, size_t cols) {
  return backend.pack(format, random_blocks(format, rows, cols), rows, cols, {}, {});
}

}  // namespace handmill::measure
