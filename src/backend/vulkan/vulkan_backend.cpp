// Making things: weights, arrays, inputs, caches; and what goes to the device and back.
#include "backend/vulkan/vulkan_backend.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/threads.h"
#include "base/error.h"

namespace handmill::backend {

Result<std::unique_ptr<Backend>> make_vulkan_backend(const VulkanDevice& device,
                                                     const VulkanOptions& options) {
  HANDMILL_TRY(auto opened, vulkan::Device::open(device, options));
  HANDMILL_TRY(auto program, vulkan::Program::make(opened, options.cache_folder));
  return std::unique_ptr<Backend>(
      std::make_unique<vulkan::VulkanBackend>(std::move(opened), std::move(program), options));
}

namespace {

/// Words of a block of one kv head, as kv.glsl has it.
size_t head_words_of(const KvShape& shape) {
  const auto dim = static_cast<size_t>(shape.head_dim);
  if (shape.type == KvType::kF16) return kKvBlock * dim;
  return kKvBlock * (dim / 4 + (dim + 63) / 64) * 2 + dim;
}

}  // namespace

size_t vulkan_kv_block_bytes(const KvShape& shape) {
  return static_cast<size_t>(shape.layers) * static_cast<size_t>(shape.kv_heads) *
         head_words_of(shape) * sizeof(uint32_t);
}

namespace vulkan {

VulkanBackend::VulkanBackend(std::shared_ptr<Device> device, std::unique_ptr<Program> program,
                             VulkanOptions options)
    : device_(std::move(device)), options_(std::move(options)), program_(std::move(program)) {}

std::string VulkanBackend::description() const { return device_->facts().name; }

std::string VulkanBackend::layout_name() const { return panel_layout_name(); }

size_t VulkanBackend::packed_bytes(const tensor::Format& format, size_t rows, size_t cols) const {
  DeviceMatrix matrix;
  return matrix.shape(format, rows, cols).ok() ? matrix.bytes() : 0;
}

Result<std::unique_ptr<Matrix>> VulkanBackend::pack(const tensor::Format& format,
                                                    std::span<const uint8_t> data, size_t rows,
                                                    size_t cols, Place, const Consumed& consumed) {
  auto made = std::make_unique<DeviceMatrix>();
  HANDMILL_OK(made->shape(format, rows, cols));
  HANDMILL_OK(made->check_source(format, data.size()));
  HANDMILL_TRY(made->memory, device_->make_buffer(made->bytes(), Use::kDevice));
  const size_t stride = row_bytes(format, cols);
  // A run of panels at a time, so that what waits to be sent stays small.
  constexpr size_t kRunBytes = size_t{8} << 20;
  const size_t run = std::max<size_t>(1, kRunBytes / made->panel_bytes);
  std::vector<uint8_t> panels(std::min(run, made->panels()) * made->panel_bytes);
  Threads threads(options_.threads);
  for (size_t first = 0; first < made->panels(); first += run) {
    const size_t count = std::min(run, made->panels() - first);
    threads.run(count, [&](size_t i, int) {
      pack_panel(made->layout, data.data(), rows, cols, (first + i) * kPanelRows,
                 panels.data() + i * made->panel_bytes);
    });
    send(made->memory, first * made->panel_bytes, {panels.data(), count * made->panel_bytes});
    const size_t from = first * kPanelRows * stride;
    if (consumed)
      consumed(data.subspan(from, std::min(rows, (first + count) * kPanelRows) * stride - from));
  }
  HANDMILL_OK(fault());
  return std::unique_ptr<Matrix>(std::move(made));
}

Result<std::unique_ptr<Matrix>> VulkanBackend::adopt(const tensor::Format& format, size_t rows,
                                                     size_t cols, Place, PackedBytes packed) {
  auto made = std::make_unique<DeviceMatrix>();
  HANDMILL_OK(made->shape(format, rows, cols));
  HANDMILL_OK(made->check_packed(format, packed.bytes.size()));
  HANDMILL_TRY(made->memory, device_->make_buffer(made->bytes(), Use::kDevice));
  send(made->memory, 0, packed.bytes);
  HANDMILL_OK(fault());
  return std::unique_ptr<Matrix>(std::move(made));
}

/// Memory that both see needs no step, and a new buffer is nobody's yet.
void VulkanBackend::send(Buffer& to, size_t at, std::span<const uint8_t> bytes) {
  if (to.mapped() != nullptr) {
    std::memcpy(to.mapped() + at, bytes.data(), bytes.size());
    return;
  }
  constexpr size_t kPart = Program::kUploadBytes / 2;
  for (size_t from = 0; from < bytes.size(); from += kPart) {
    const auto part = bytes.subspan(from, std::min(kPart, bytes.size() - from));
    copy(program_->upload(part), to.address() + at + from, part.size() / 4);
  }
  program_->start();
}

Result<std::unique_ptr<Array>> VulkanBackend::array(size_t rows, size_t cols) {
  auto array = std::make_unique<DeviceArray>();
  array->rows_ = rows;
  array->cols_ = cols;
  HANDMILL_TRY(array->memory, device_->make_buffer(rows * cols * sizeof(float), Use::kDevice));
  copy(0, array->memory.address(), rows * cols, true);
  array->mirrored = false;
  return std::unique_ptr<Array>(std::move(array));
}

Result<std::unique_ptr<Activations>> VulkanBackend::activations(size_t rows, size_t cols,
                                                                InputForm form) {
  auto made = std::make_unique<DeviceActivations>();
  made->rows_ = rows;
  made->cols_ = cols;
  made->form = form;
  made->padded = (cols + kPairCols - 1) / kPairCols * kPairCols;
  auto aligned = [](size_t bytes) { return (bytes + 255) / 256 * 256; };
  const size_t coded = form.codes ? rows * made->codings() * made->padded : 0;
  const size_t floats = form.floats ? aligned(rows * cols * sizeof(float)) : 0;
  const size_t codes = aligned(coded), scales = aligned(coded / 32 * 4);
  const size_t sums16 = aligned(coded / 16 * 4);
  HANDMILL_TRY(made->memory, device_->make_buffer(floats + codes + scales + sums16, Use::kDevice));
  const uint64_t at = made->memory.address();
  made->at = {at, at + codes, at + codes + scales, at + codes + scales + sums16};
  copy(0, at, made->memory.bytes() / 4, true);  // columns beyond the last have scale 0
  const size_t wanted = 2 * rows * cols * sizeof(float);
  if (scratch_.bytes() < wanted) {
    program_->finish();
    HANDMILL_TRY(scratch_, device_->make_buffer(wanted, Use::kDevice));
  }
  return std::unique_ptr<Activations>(std::move(made));
}

size_t VulkanBackend::kv_block_bytes(const KvShape& shape) const {
  return vulkan_kv_block_bytes(shape);
}

Result<std::unique_ptr<KvStore>> VulkanBackend::kv_store(const KvShape& shape, int blocks) {
  const int unit = shape.type == KvType::kQ8_0 ? 32 : 16;
  constexpr int kDimMax = 256;
  if (shape.head_dim % unit != 0 || shape.head_dim > kDimMax)
    return base::unsupported(
        "a head of {} dimensions: a cache of {} needs a multiple of {} up to {}", shape.head_dim,
        kv_name(shape.type), unit, kDimMax);
  auto store = std::make_unique<DeviceKvStore>();
  store->shape = shape;
  store->head_words = head_words_of(shape);
  store->block_bytes_ = kv_block_bytes(shape);
  store->blocks_ = blocks;
  const size_t layer = store->block_bytes_ / static_cast<size_t>(shape.layers);
  for (int i = 0; i < shape.layers; ++i) {
    HANDMILL_TRY(Buffer buffer,
                 device_->make_buffer(layer * static_cast<size_t>(blocks), Use::kDevice));
    store->layers.push_back(std::move(buffer));
  }
  return std::unique_ptr<KvStore>(std::move(store));
}

Result<Roofs> VulkanBackend::measure_roofs() {
  constexpr size_t kMost = size_t{256} << 20;  // more than a device's caches
  constexpr double kSeconds = 0.03;
  if (meter_ == nullptr) {
    HANDMILL_TRY(meter_, Meter::make(device_, *program_, kMost));
  }
  Roofs roofs;
  HANDMILL_TRY(roofs.read_bytes_s, meter_->read_rate(kSeconds));
  HANDMILL_TRY(roofs.int8_ops_s, meter_->int8_rate(kSeconds));
  return roofs;
}

void VulkanBackend::wrote(Array& array, size_t rows) {
  auto& to = static_cast<DeviceArray&>(array);
  to.used = rows;
  to.mirrored = false;
}

void VulkanBackend::write(Array& array, size_t row, std::span<const float> values) {
  auto& to = static_cast<DeviceArray&>(array);
  const auto* bytes = reinterpret_cast<const uint8_t*>(values.data());
  constexpr size_t kPart = Program::kUploadBytes / 2;
  for (size_t from = 0; from < values.size_bytes(); from += kPart) {
    const size_t count = std::min(kPart, values.size_bytes() - from);
    copy(program_->upload({bytes + from, count}),
         to.memory.address() + row * to.cols() * sizeof(float) + from, count / 4);
  }
  wrote(array, std::max(row == 0 ? 0 : to.used, row + values.size() / to.cols()));
}

bool VulkanBackend::mirror(DeviceArray& array, size_t rows) {
  if (array.mirrored && rows <= array.used) return true;
  // The mirror may hold what nobody has taken yet.
  if (std::ranges::find(fetches_, &array, &Fetch::from) != fetches_.end()) wait();
  array.used = std::max(array.used, rows);
  if (array.mirror.bytes() == 0) {
    auto made = device_->make_buffer(array.memory.bytes(), Use::kReadback);
    if (!made.ok()) {
      if (fault_.ok()) fault_ = made.error();
      return false;
    }
    array.mirror = std::move(*made);
  }
  copy(array.memory.address(), array.mirror.address(), array.used * array.cols());
  array.mirrored = true;
  return true;
}

void VulkanBackend::deliver(const DeviceArray& from, size_t row, std::span<float> values) {
  if (!fault().ok()) {
    std::ranges::fill(values, 0.0f);
    return;
  }
  std::memcpy(values.data(), from.mirror.mapped() + row * from.cols() * sizeof(float),
              values.size_bytes());
}

void VulkanBackend::read(const Array& array, size_t row, std::span<float> values) {
  auto& from = const_cast<DeviceArray&>(static_cast<const DeviceArray&>(array));
  if (mirror(from, row + values.size() / from.cols())) program_->finish();
  deliver(from, row, values);
}

/// What follows is put in the queue apart, so that nobody waits for it.
void VulkanBackend::fetch(const Array& array, size_t row, std::span<float> values) {
  auto& from = const_cast<DeviceArray&>(static_cast<const DeviceArray&>(array));
  mirror(from, row + values.size() / from.cols());
  fetches_.push_back({&from, row, values, program_->start()});
}

void VulkanBackend::wait() {
  for (const Fetch& fetch : fetches_) {
    program_->wait(fetch.submission);
    deliver(*fetch.from, fetch.row, fetch.to);
  }
  fetches_.clear();
}

bool VulkanBackend::grow(Buffer& buffer, size_t bytes, Use use) {
  if (buffer.bytes() >= bytes) return true;
  auto made = device_->make_buffer(bytes + bytes / 2, use);
  if (!made.ok()) return false;
  program_->finish();
  buffer = std::move(*made);
  return true;
}

}  // namespace vulkan
}  // namespace handmill::backend
