#include "backend/split/split_backend.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/error.h"

namespace handmill::backend {

int Placement::device_layers() const {
  return static_cast<int>(
      std::count_if(layers.begin(), layers.end(), [](LayerPlace one) { return one.on_device; }));
}

size_t device_ffn_cols(size_t ffn_width, size_t cpu_cols) {
  if (cpu_cols == 0 || ffn_width <= kShareCols) return ffn_width;
  const size_t left = ffn_width - std::min(cpu_cols, ffn_width);
  const size_t nearest = (left + kShareCols / 2) / kShareCols;
  return std::clamp<size_t>(nearest, 1, (ffn_width - 1) / kShareCols) * kShareCols;
}

Result<std::unique_ptr<Backend>> make_split_backend(std::unique_ptr<Backend> cpu,
                                                    std::unique_ptr<Backend> device,
                                                    Placement placement) {
  assert(cpu != nullptr && device != nullptr);
  if (cpu->layout_name() != device->layout_name())
    return base::invalid("{} has weights as {}, and {} as {}: a model cannot be split between them",
                         cpu->description(), cpu->layout_name(), device->description(),
                         device->layout_name());
  return std::unique_ptr<Backend>(
      std::make_unique<SplitBackend>(std::move(cpu), std::move(device), std::move(placement)));
}

SplitBackend::SplitBackend(std::unique_ptr<Backend> cpu, std::unique_ptr<Backend> device,
                           Placement placement)
    : cpu_(std::move(cpu)), device_(std::move(device)), placement_(std::move(placement)) {}

std::string SplitBackend::description() const {
  const auto shared =
      std::count_if(placement_.layers.begin(), placement_.layers.end(),
                    [](LayerPlace one) { return one.on_device && one.cpu_ffn_cols > 0; });
  return fmt::format("{} + {} for {} of {} layers{}{}", cpu_->description(), device_->description(),
                     placement_.device_layers(), placement_.layers.size(),
                     shared > 0 ? fmt::format(", {} of them shared", shared) : "",
                     placement_.head_on_device ? ", and the head" : "");
}

LayerPlace SplitBackend::place_of(int layer) const {
  const auto index = static_cast<size_t>(layer);
  return index < placement_.layers.size() ? placement_.layers[index] : LayerPlace{};
}

int SplitBackend::count_layers(Side side, int layers) const {
  int count = 0;
  for (int layer = 0; layer < layers; ++layer) count += side_of(layer) == side ? 1 : 0;
  return count;
}

Result<std::unique_ptr<SplitArray>> SplitBackend::split_array(size_t rows, size_t cols) {
  auto array = std::make_unique<SplitArray>();
  array->rows_ = rows;
  array->cols_ = cols;
  array->newest.assign(rows, SplitArray::bit(Side::kCpu) | SplitArray::bit(Side::kDevice));
  HANDMILL_TRY(array->parts.cpu, cpu_->array(rows, cols));
  if (placement_.uses_device()) {
    HANDMILL_TRY(array->parts.device, device_->array(rows, cols));
  }
  return array;
}

Result<std::unique_ptr<Array>> SplitBackend::array(size_t rows, size_t cols) {
  HANDMILL_TRY(auto array, split_array(rows, cols));
  return std::unique_ptr<Array>(std::move(array));
}

Result<Sides<Activations>> SplitBackend::both_activations(size_t rows, size_t device_cols,
                                                          size_t cpu_cols, InputForm form) {
  Sides<Activations> parts;
  HANDMILL_TRY(parts.cpu, cpu_->activations(rows, cpu_cols, form));
  if (placement_.uses_device()) {
    HANDMILL_TRY(parts.device, device_->activations(rows, device_cols, form));
  }
  return parts;
}

Result<std::unique_ptr<Activations>> SplitBackend::activations(size_t rows, size_t cols,
                                                               InputForm form) {
  auto made = std::make_unique<SplitActivations>();
  made->rows_ = rows;
  made->cols_ = cols;
  HANDMILL_TRY(made->parts, both_activations(rows, cols, cols, form));
  for (const Share& share : shares_) {
    if (share.ffn_width != cols) continue;
    SplitActivations::Shared shared;
    shared.share = share;
    HANDMILL_TRY(shared.parts,
                 both_activations(rows, share.device_cols, cols - share.device_cols, form));
    HANDMILL_TRY(shared.sum, split_array(rows, share.width));
    made->shared.push_back(std::move(shared));
  }
  return std::unique_ptr<Activations>(std::move(made));
}

Result<std::unique_ptr<KvStore>> SplitBackend::kv_store(const KvShape& shape, int blocks) {
  auto store = std::make_unique<SplitKvStore>();
  store->blocks_ = blocks;
  for (const Side side : {Side::kCpu, Side::kDevice}) {
    KvShape own = shape;
    own.layers = count_layers(side, shape.layers);
    if (own.layers == 0) continue;
    HANDMILL_TRY(store->parts.at(side), backend(side).kv_store(own, blocks));
    store->block_bytes_ += store->parts.on(side).block_bytes();
  }
  return std::unique_ptr<KvStore>(std::move(store));
}

size_t SplitBackend::kv_block_bytes(const KvShape& shape) const {
  size_t bytes = 0;
  for (const Side side : {Side::kCpu, Side::kDevice}) {
    KvShape own = shape;
    own.layers = count_layers(side, shape.layers);
    if (own.layers > 0) bytes += backend(side).kv_block_bytes(own);
  }
  return bytes;
}

size_t SplitBackend::packed_bytes(const tensor::Format& format, size_t rows, size_t cols) const {
  return cpu_->packed_bytes(format, rows, cols);
}

std::string SplitBackend::layout_name() const { return cpu_->layout_name(); }

/// What both do at most with the weights that they have: one after the other, shared blocks at
/// once.
Result<Roofs> SplitBackend::measure_roofs() {
  HANDMILL_TRY(const Roofs cpu, cpu_->measure_roofs());
  const Bytes& b = bytes_;
  if (b.device + b.shared_device == 0) return cpu;
  HANDMILL_TRY(const Roofs device, device_->measure_roofs());
  const double all = b.cpu + b.device + b.shared_cpu + b.shared_device;
  const auto joint = [&](double c, double d) {
    return all / (b.cpu / c + b.device / d + std::max(b.shared_cpu / c, b.shared_device / d));
  };
  return Roofs{joint(cpu.read_bytes_s, device.read_bytes_s),
               joint(cpu.int8_ops_s, device.int8_ops_s)};
}

void SplitBackend::start() {
  device_->start();
  cpu_->start();
}

Status SplitBackend::fault() const {
  HANDMILL_OK(device_->fault());
  return cpu_->fault();
}

void SplitBackend::write(Array& array, size_t row, std::span<const float> values) {
  auto& to = static_cast<SplitArray&>(array);
  cpu_->write(to.parts.on(Side::kCpu), row, values);
  const size_t rows = values.size() / array.cols();
  std::fill_n(to.newest.begin() + static_cast<ptrdiff_t>(row), rows, SplitArray::bit(Side::kCpu));
  to.home = Side::kCpu;
  ++to.writes;
}

void SplitBackend::read(const Array& array, size_t row, std::span<float> values) {
  const auto& from = static_cast<const SplitArray&>(array);
  const size_t end = row + values.size() / array.cols();
  while (row < end) {
    const Side side = from.has(Side::kCpu, row) ? Side::kCpu : Side::kDevice;
    size_t last = row + 1;
    while (last < end && from.has(side, last)) ++last;
    const auto part = values.first((last - row) * array.cols());
    backend(side).read(from.parts.on(side), row, part);
    values = values.subspan(part.size());
    row = last;
  }
}

bool SplitBackend::largest(const Array& array, std::span<const int32_t> counts, size_t cols,
                           std::span<Largest> found) {
  const auto& from = static_cast<const SplitArray&>(array);
  for (size_t row = 0; row < counts.size(); ++row)
    if (from.has(Side::kCpu, row)) return false;
  return device_->largest(from.parts.on(Side::kDevice), counts, cols, found);
}

}  // namespace handmill::backend
