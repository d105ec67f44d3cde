// Matrices in two places. A shared one is cut once, when it is made: rows of a file or whole panels
// are cut where they lie; columns are gathered, a side at a time, from every row or panel.
#include <algorithm>
#include <cstring>

#include "backend/cpu/memory.h"
#include "backend/panel.h"
#include "backend/split/split_backend.h"
#include "base/error.h"

namespace handmill::backend {
namespace {

/// Bytes [from, from + count) of every run of `stride` bytes.
Result<std::shared_ptr<const Memory>> gather(std::span<const uint8_t> data, size_t stride,
                                             size_t from, size_t count) {
  const size_t runs = data.size() / stride;
  HANDMILL_TRY(Memory memory, Memory::allocate(runs * count));
  for (size_t run = 0; run < runs; ++run)
    std::memcpy(memory.data() + run * count, data.data() + run * stride + from, count);
  return std::make_shared<const Memory>(std::move(memory));
}

std::span<const uint8_t> bytes_of(const Memory& memory) { return {memory.data(), memory.size()}; }

}  // namespace

Side SplitBackend::side_of(Place place) const {
  if (place.layer >= 0) return side_of(place.layer);
  return placement_.head_on_device ? Side::kDevice : Side::kCpu;
}

std::optional<SplitBackend::Cut> SplitBackend::cut_of(const tensor::Format& format, size_t rows,
                                                      size_t cols, Place place) const {
  const LayerPlace layer = place.layer < 0 ? LayerPlace{} : place_of(place.layer);
  if (!layer.on_device || place.role == Place::Role::kOther) return std::nullopt;
  const bool by_cols = place.role == Place::Role::kFfnOut;
  const size_t ffn_width = by_cols ? cols : rows;
  const size_t device = device_ffn_cols(ffn_width, layer.cpu_ffn_cols);
  // What is no matrix at all is the device's to refuse.
  const bool is_matrix = rows > 0 && cols > 0 &&
                         cols % static_cast<size_t>(format.block_cols) == 0 && panel_layout(format);
  if (device == ffn_width || !is_matrix) return std::nullopt;
  return Cut{format, rows, cols, by_cols, device};
}

std::unique_ptr<Matrix> SplitBackend::on_one_side(std::unique_ptr<Matrix> part, Side side) {
  (side == Side::kCpu ? bytes_.cpu : bytes_.device) += static_cast<double>(part->bytes());
  auto matrix = std::make_unique<SplitMatrix>();
  matrix->rows_ = part->rows();
  matrix->cols_ = part->cols();
  matrix->bytes_ = part->bytes();
  matrix->is_float_ = part->is_float();
  matrix->parts.at(side) = std::move(part);
  return matrix;
}

template <class Make>
Result<std::unique_ptr<Matrix>> SplitBackend::on_both_sides(const Cut& cut, Make make) {
  auto matrix = std::make_unique<SplitMatrix>();
  matrix->rows_ = cut.rows;
  matrix->cols_ = cut.cols;
  for (const Side side : {Side::kDevice, Side::kCpu}) {
    HANDMILL_TRY(auto part, make(side));
    matrix->bytes_ += part->bytes();
    matrix->is_float_ = part->is_float();
    const auto bytes = static_cast<double>(part->bytes());
    (side == Side::kCpu ? bytes_.shared_cpu : bytes_.shared_device) += bytes;
    matrix->parts.at(side) = std::move(part);
  }
  const Share share{cut.cols, cut.device, cut.rows};
  if (cut.by_cols && std::find(shares_.begin(), shares_.end(), share) == shares_.end())
    shares_.push_back(share);
  return std::unique_ptr<Matrix>(std::move(matrix));
}

Result<std::unique_ptr<Matrix>> SplitBackend::pack(const tensor::Format& format,
                                                   std::span<const uint8_t> data, size_t rows,
                                                   size_t cols, Place place,
                                                   const Consumed& consumed) {
  const auto cut = cut_of(format, rows, cols, place);
  if (!cut) {
    const Side side = side_of(place);
    HANDMILL_TRY(auto part, backend(side).pack(format, data, rows, cols, place, consumed));
    return on_one_side(std::move(part), side);
  }
  const size_t bytes = row_bytes(format, cols);
  if (data.size() / rows < bytes)
    return base::invalid("{} weights of {} x {} do not lie in {} bytes", format.name, rows, cols,
                         data.size());
  return on_both_sides(*cut, [&](Side side) {
    return pack_part(*cut, side, data.first(rows * bytes), place, consumed);
  });
}

Result<std::unique_ptr<Matrix>> SplitBackend::pack_part(const Cut& cut, Side side,
                                                        std::span<const uint8_t> data, Place place,
                                                        const Consumed& consumed) {
  const size_t rows = cut.rows_of(side), cols = cut.cols_of(side);
  const size_t stride = row_bytes(cut.format, cut.cols);
  if (!cut.by_cols)
    return backend(side).pack(cut.format, data.subspan(cut.first(side) * stride, rows * stride),
                              rows, cols, place, consumed);
  HANDMILL_TRY(const auto own, gather(data, stride, row_bytes(cut.format, cut.first(side)),
                                      row_bytes(cut.format, cols)));
  // The processor's columns are gathered last.
  if (consumed && side == Side::kCpu) consumed(data);
  return backend(side).pack(cut.format, bytes_of(*own), rows, cols, place, {});
}

Result<std::unique_ptr<Matrix>> SplitBackend::adopt(const tensor::Format& format, size_t rows,
                                                    size_t cols, Place place, PackedBytes packed) {
  const auto cut = cut_of(format, rows, cols, place);
  if (!cut) {
    const Side side = side_of(place);
    HANDMILL_TRY(auto part, backend(side).adopt(format, rows, cols, place, std::move(packed)));
    return on_one_side(std::move(part), side);
  }
  if (packed.bytes.size() != packed_bytes(format, rows, cols))
    return base::invalid("packed {} weights of {} x {} are {} bytes, not {}", format.name, rows,
                         cols, packed_bytes(format, rows, cols), packed.bytes.size());
  return on_both_sides(*cut, [&](Side side) { return adopt_part(*cut, side, place, packed); });
}

Result<std::unique_ptr<Matrix>> SplitBackend::adopt_part(const Cut& cut, Side side, Place place,
                                                         const PackedBytes& packed) {
  const PanelLayout layout = *panel_layout(cut.format);
  const size_t rows = cut.rows_of(side), cols = cut.cols_of(side);
  const size_t panel = layout.panel_bytes(cut.cols);
  if (!cut.by_cols) {
    const size_t first = cut.first(side) / kPanelRows,
                 last = (cut.first(side) + rows - 1) / kPanelRows;
    return backend(side).adopt(
        cut.format, rows, cols, place,
        {packed.bytes.subspan(first * panel, (last + 1 - first) * panel), packed.owner});
  }
  // Whole tiles are the device's, so a panel is its part and then the processor's.
  const size_t from = side == Side::kDevice ? 0 : layout.panel_bytes(cut.device);
  HANDMILL_TRY(const auto own, gather(packed.bytes, panel, from, layout.panel_bytes(cols)));
  return backend(side).adopt(cut.format, rows, cols, place, {bytes_of(*own), own});
}

}  // namespace handmill::backend
