#include "backend/cpu/cpu_backend.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <system_error>

#include "backend/cpu/cpu.h"
#include "base/error.h"
#include "probe/isa.h"
#include "probe/machine.h"

namespace handmill::backend {

Result<std::unique_ptr<Backend>> make_cpu_backend(int threads) {
  if (threads < 1) return base::invalid("threads: {}; at least 1 is needed", threads);
  HANDMILL_TRY(const probe::Isa isa, probe::chosen_isa());
  try {
    return std::unique_ptr<Backend>(std::make_unique<CpuBackend>(kernels_for(isa), threads));
  } catch (const std::system_error& error) {
    return base::limit("{} threads: the system gives no more ({})", threads, error.what());
  }
}

CpuBackend::CpuBackend(const Kernels& kernels, int threads)
    : kernels_(kernels), threads_(threads), scratch_(static_cast<size_t>(threads)) {
  for (auto& scratch : scratch_) scratch.product.resize(kProductScratch + 64);
}

std::string CpuBackend::description() const {
  return fmt::format("cpu, {}, {} thread{}", kernels_.name, threads_.count(),
                     threads_.count() == 1 ? "" : "s");
}

Result<std::unique_ptr<Matrix>> CpuBackend::pack(const tensor::Format& format,
                                                 std::span<const uint8_t> data, size_t rows,
                                                 size_t cols, Place, const Consumed& consumed) {
  auto matrix = std::make_unique<CpuMatrix>();
  HANDMILL_OK(matrix->shape(format, rows, cols));
  HANDMILL_OK(matrix->check_source(format, data.size()));
  const size_t stride = row_bytes(format, cols);
  HANDMILL_TRY(const std::shared_ptr<uint8_t> panels, weights_.take(matrix->bytes()));
  matrix->data = panels;
  // The file's copy can go as ours comes, so that the two are never both whole in memory.
  constexpr size_t kPanels = 16;
  threads_.run((matrix->panels() + kPanels - 1) / kPanels, [&](size_t task, int) {
    const size_t end = std::min(matrix->panels(), (task + 1) * kPanels);
    for (size_t panel = task * kPanels; panel < end; ++panel)
      pack_panel(matrix->layout, data.data(), rows, cols, panel * kPanelRows,
                 panels.get() + panel * matrix->panel_bytes);
    const size_t from = task * kPanels * kPanelRows * stride;
    if (consumed) consumed(data.subspan(from, std::min(rows, end * kPanelRows) * stride - from));
  });
  return std::unique_ptr<Matrix>(std::move(matrix));
}

Result<std::unique_ptr<Matrix>> CpuBackend::adopt(const tensor::Format& format, size_t rows,
                                                  size_t cols, Place, PackedBytes packed) {
  auto matrix = std::make_unique<CpuMatrix>();
  HANDMILL_OK(matrix->shape(format, rows, cols));
  HANDMILL_OK(matrix->check_packed(format, packed.bytes.size()));
  matrix->data = {std::move(packed.owner), packed.bytes.data()};
  return std::unique_ptr<Matrix>(std::move(matrix));
}

size_t CpuBackend::packed_bytes(const tensor::Format& format, size_t rows, size_t cols) const {
  CpuMatrix matrix;
  return matrix.shape(format, rows, cols).ok() ? matrix.bytes() : 0;
}

std::string CpuBackend::layout_name() const { return panel_layout_name(); }

Result<std::unique_ptr<Array>> CpuBackend::array(size_t rows, size_t cols) {
  auto array = std::make_unique<CpuArray>();
  array->rows_ = rows;
  array->cols_ = cols;
  HANDMILL_TRY(array->memory, Memory::allocate(rows * cols * sizeof(float)));
  return std::unique_ptr<Array>(std::move(array));
}

Result<std::unique_ptr<Activations>> CpuBackend::activations(size_t rows, size_t cols,
                                                             InputForm form) {
  auto activations = std::make_unique<CpuActivations>();
  activations->rows_ = rows;
  activations->cols_ = cols;
  const size_t padded = (cols + kPairCols - 1) / kPairCols * kPairCols;
  const size_t float_bytes = form.floats ? rows * cols * sizeof(float) : 0;
  activations->codings = form.fine ? 2 : 1;
  const size_t code_bytes = form.codes ? rows * activations->codings * padded : 0;
  const size_t group_bytes = code_bytes / 32 * sizeof(float);
  HANDMILL_TRY(activations->memory, Memory::allocate(float_bytes + 4 * group_bytes + code_bytes));
  uint8_t* at = activations->memory.data();
  if (form.floats) activations->floats = reinterpret_cast<float*>(at);
  if (form.codes) {
    at += float_bytes;
    auto* scales = reinterpret_cast<float*>(at);
    auto* sums = reinterpret_cast<float*>(at + group_bytes);
    auto* sums16 = reinterpret_cast<int32_t*>(at + 2 * group_bytes);
    activations->codes = {reinterpret_cast<int8_t*>(at + 4 * group_bytes), scales, sums, sums16,
                          padded};
  }
  return std::unique_ptr<Activations>(std::move(activations));
}

size_t CpuBackend::kv_block_bytes(const KvShape& shape) const {
  return static_cast<size_t>(shape.layers) * static_cast<size_t>(shape.kv_heads) *
         kv_head_bytes(shape.type, shape.head_dim);
}

Result<std::unique_ptr<KvStore>> CpuBackend::kv_store(const KvShape& shape, int blocks) {
  const int unit = shape.type == KvType::kQ8_0 ? 32 : 16;
  if (shape.head_dim % unit != 0)
    return base::unsupported("a head of {} dimensions: a cache of {} needs a multiple of {}",
                             shape.head_dim, kv_name(shape.type), unit);
  auto store = std::make_unique<CpuKvStore>();
  store->shape = shape;
  store->head_bytes = kv_head_bytes(shape.type, shape.head_dim);
  store->block_bytes_ = kv_block_bytes(shape);
  store->blocks_ = blocks;
  HANDMILL_TRY(store->memory, Memory::allocate(store->block_bytes_ * static_cast<size_t>(blocks)));
  return std::unique_ptr<KvStore>(std::move(store));
}

Result<Roofs> CpuBackend::measure_roofs() {
  if (!roofs_) {
    HANDMILL_TRY(roofs_, RoofMeter::make(kernels_, threads_, roof_bytes()));
  }
  return roofs_->best();
}

void CpuBackend::write(Array& array, size_t row, std::span<const float> values) {
  std::memcpy(static_cast<CpuArray&>(array).row(row), values.data(), values.size_bytes());
}

void CpuBackend::read(const Array& array, size_t row, std::span<float> values) {
  std::memcpy(values.data(), static_cast<const CpuArray&>(array).row(row), values.size_bytes());
}

void CpuBackend::grow_floats(size_t count) {
  for (auto& scratch : scratch_)
    if (scratch.floats.size() < count) scratch.floats.resize(count);
}

void CpuBackend::finish_row(CpuActivations& out, size_t row, const float* values) {
  for (size_t col = 0; col < out.cols(); col += kGroupCols)
    finish_group(out, row, col, std::min<size_t>(kGroupCols, out.cols() - col), values + col);
}

void CpuBackend::finish_group(CpuActivations& out, size_t row, size_t col, size_t count,
                              const float* values) {
  if (out.floats != nullptr) std::copy_n(values, count, out.floats + row * out.cols() + col);
  if (out.codes.codes == nullptr) return;
  auto group_of = [&](size_t coding) {
    const CodeRows all = out.codes.at(row * out.codings + coding);
    return CodeRows{all.codes + col, all.scales + col / 32, all.sums + col / 32,
                    all.sums16 + col / 16, kGroupCols};
  };
  const CodeRows first = group_of(0);
  kernels_.quantize(values, count, first);
  if (out.codings == 1) return;
  float rest[kGroupCols];
  for (size_t i = 0; i < count; ++i)
    rest[i] = values[i] - static_cast<float>(first.codes[i]) * first.scales[0];
  kernels_.quantize(rest, count, group_of(1));
}

}  // namespace handmill::backend
