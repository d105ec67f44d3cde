// A device for tests: the processor's backend behind a budget, which runs out of memory or is lost
// where a test says so. What is read from it then is not a number. For tests.
#pragma once

#include <algorithm>
#include <atomic>
#include <climits>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "backend/cpu/cpu.h"
#include "backend/test_largest.h"
#include "base/error.h"
#include "engine/gpu.h"

namespace handmill::engine {

/// What a test says and sees; it outlives the devices.
struct GpuScript {
  uint64_t budget_bytes = uint64_t{1} << 40;
  int allocations_max = INT_MAX;         // of one device, before it is out of memory
  int operations_max = INT_MAX;          // of all devices, before they are lost
  std::atomic<int> made = 0, alive = 0;  // devices
  std::atomic<int> allocations = 0;      // of the last one
  std::atomic<int> operations = 0;
  bool finds_largest = true;
  std::atomic<int> largest_found = 0;  // rows of which only the largest values were read
  std::atomic<int> reads = 0;
  bool lost() const { return operations > operations_max; }
};

class TestGpu final : public backend::Backend {
 public:
  TestGpu(std::unique_ptr<backend::Backend> below, GpuScript& script)
      : below_(std::move(below)), script_(script) {
    ++script_.made;
    ++script_.alive;
    script_.allocations = 0;
  }
  ~TestGpu() override { --script_.alive; }

  std::string description() const override { return "test device"; }
  Result<std::unique_ptr<backend::Matrix>> pack(const tensor::Format& format,
                                                std::span<const uint8_t> data, size_t rows,
                                                size_t cols, backend::Place place,
                                                const Consumed& consumed) override {
    HANDMILL_OK(allocate());
    return below_->pack(format, data, rows, cols, place, consumed);
  }
  Result<std::unique_ptr<backend::Matrix>> adopt(const tensor::Format& format, size_t rows,
                                                 size_t cols, backend::Place place,
                                                 backend::PackedBytes packed) override {
    HANDMILL_OK(allocate());
    return below_->adopt(format, rows, cols, place, std::move(packed));
  }
  size_t packed_bytes(const tensor::Format& format, size_t rows, size_t cols) const override {
    return below_->packed_bytes(format, rows, cols);
  }
  std::string layout_name() const override { return below_->layout_name(); }
  Result<std::unique_ptr<backend::Array>> array(size_t rows, size_t cols) override {
    HANDMILL_OK(allocate());
    return below_->array(rows, cols);
  }
  Result<std::unique_ptr<backend::Activations>> activations(size_t rows, size_t cols,
                                                            backend::InputForm form) override {
    HANDMILL_OK(allocate());
    return below_->activations(rows, cols, form);
  }
  Result<std::unique_ptr<backend::KvStore>> kv_store(const backend::KvShape& shape,
                                                     int blocks) override {
    HANDMILL_OK(allocate());
    return below_->kv_store(shape, blocks);
  }
  size_t kv_block_bytes(const backend::KvShape& shape) const override {
    return below_->kv_block_bytes(shape);
  }
  Result<backend::Roofs> measure_roofs() override { return below_->measure_roofs(); }
  Status fault() const override {
    if (script_.lost()) return base::io("the GPU \"test device\" was lost: it was pulled out");
    return {};
  }

  void write(backend::Array& array, size_t row, std::span<const float> values) override {
    below_->write(array, row, values);
  }
  void read(const backend::Array& array, size_t row, std::span<float> values) override {
    ++script_.reads;
    below_->read(array, row, values);
    if (script_.lost()) std::ranges::fill(values, std::numeric_limits<float>::quiet_NaN());
  }
  bool largest(const backend::Array& array, std::span<const int32_t> counts, size_t cols,
               std::span<backend::Largest> found) override {
    if (!script_.finds_largest || script_.lost()) return false;
    const bool all = backend::test::largest_of(*below_, array, counts, cols, found);
    script_.largest_found += all ? static_cast<int>(counts.size()) : 0;
    return all;
  }
  void embed(const backend::Table& table, std::span<const int32_t> tokens, float scale,
             backend::Array& out) override {
    if (goes_on()) below_->embed(table, tokens, scale, out);
  }
  void angles(const backend::Rope& rope, std::span<const int32_t> positions,
              backend::Array& out) override {
    if (goes_on()) below_->angles(rope, positions, out);
  }
  void norm(const backend::Array& x, const backend::Array& weight, float eps,
            std::span<const int32_t> rows, int n, backend::Activations& out) override {
    if (goes_on()) below_->norm(x, weight, eps, rows, n, out);
  }
  void linear(const backend::Activations& in, int n,
              std::span<const backend::Linear> products) override {
    if (goes_on()) below_->linear(in, n, products);
  }
  void linear_add(const backend::Activations& in, int n, const backend::Matrix& weight,
                  const backend::Array* bias, backend::Array& x) override {
    if (goes_on()) below_->linear_add(in, n, weight, bias, x);
  }
  void add(const backend::Array& y, int n, backend::Array& x) override {
    if (goes_on()) below_->add(y, n, x);
  }
  void norm_add(const backend::Array& y, const backend::Array& weight, float eps, int n,
                backend::Array& x) override {
    if (goes_on()) below_->norm_add(y, weight, eps, n, x);
  }
  void gated(const backend::Activations& in, int n, const backend::Matrix& gate,
             const backend::Matrix& up, backend::Activation activation,
             backend::Activations& out) override {
    if (goes_on()) below_->gated(in, n, gate, up, activation, out);
  }
  void attend(const backend::Attention& attention, const backend::Batch& batch,
              const backend::Array& angles, backend::Array& q, backend::Array& k,
              const backend::Array& v, backend::KvStore& store, int layer,
              backend::Activations& out) override {
    if (goes_on()) below_->attend(attention, batch, angles, q, k, v, store, layer, out);
  }

 private:
  Status allocate() {
    if (++script_.allocations <= script_.allocations_max) return {};
    return base::limit("test device: out of memory at allocation {}", script_.allocations.load());
  }
  bool goes_on() {
    ++script_.operations;
    return !script_.lost();
  }

  std::unique_ptr<backend::Backend> below_;
  GpuScript& script_;
};

/// Finds one device called "test device", by "auto" or by its name.
inline FindGpu test_gpu(GpuScript& script) {
  return [&script](const std::string& name) -> Result<std::optional<GpuDevice>> {
    if (name != kAutoGpu && name != "test device")
      return base::not_found("no GPU \"{}\"; there is: test device", name);
    GpuDevice device;
    device.name = "test device";
    device.heap_bytes = device.budget_bytes = script.budget_bytes;
    device.make = [&script](uint64_t, int threads) -> Result<std::unique_ptr<backend::Backend>> {
      HANDMILL_TRY(auto below, backend::make_cpu_backend(threads));
      return std::unique_ptr<backend::Backend>(std::make_unique<TestGpu>(std::move(below), script));
    };
    return std::optional(std::move(device));
  };
}

}  // namespace handmill::engine
