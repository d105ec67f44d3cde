// Packing, of which a load consists once its file has been read.
#include <algorithm>

#include "measure/rates.h"
#include "measure/synthetic.h"

namespace handmill::measure {

Result<Figure> measure_packing(backend::Backend& backend) {
  // Read from memory as a file is, and not from a cache: the same 8 MB again and again, 124 MB in
  // all.
  constexpr size_t kCopies = 16, kRows = 8960, kCols = 1536;
  const tensor::Format& format = *tensor::find_format(tensor::Type::kQ4_K);
  const std::vector<uint8_t> some = random_blocks(format, kRows, kCols);
  std::vector<uint8_t> blocks(kCopies * some.size());
  for (size_t i = 0; i < kCopies; ++i)
    std::ranges::copy(some, blocks.begin() + static_cast<std::ptrdiff_t>(i * some.size()));
  Status status;
  const double seconds = median_seconds(kFigureBudget, [&] {
    const auto matrix = backend.pack(format, blocks, kCopies * kRows, kCols, {}, {});
    if (!matrix.ok()) status = matrix.error();
  });
  if (!status.ok()) return std::move(status).error();
  return Figure{static_cast<double>(blocks.size()) / seconds, Source::kMeasured};
}

}  // namespace handmill::measure
