// For tests of a split model: a device that does nothing of what it is asked until something is
// read from it, and no more of it than a wait needs; it counts what crosses to it and back. Under
// it is another backend.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/cpu.h"
#include "backend/split/split.h"
#include "backend/test_largest.h"

namespace handmill::backend::test {

class LateDevice : public Backend {
 public:
  /// What a test looks at: it outlives the device.
  struct Counts {
    int reads = 0, writes = 0;
    size_t rows_read = 0, rows_written = 0;
    size_t matrix_bytes = 0;
    int made = 0;                                    // matrices, arrays, activations and stores
    int made_max = std::numeric_limits<int>::max();  // then memory is out
    Roofs roofs;                                     // that it says it has
    std::string layout, fault;                       // where not as usual
    std::string asked;  // operations by their names, each followed by a space
  };

  LateDevice(std::unique_ptr<Backend> below, std::shared_ptr<Counts> counts)
      : below_(std::move(below)), counts_(std::move(counts)) {}

  std::string description() const override { return "a late device"; }
  Result<std::unique_ptr<Matrix>> pack(const tensor::Format& format, std::span<const uint8_t> data,
                                       size_t rows, size_t cols, Place place,
                                       const Consumed& consumed) override {
    return made([&] { return below_->pack(format, data, rows, cols, place, consumed); });
  }
  Result<std::unique_ptr<Matrix>> adopt(const tensor::Format& format, size_t rows, size_t cols,
                                        Place place, PackedBytes packed) override {
    return made([&] { return below_->adopt(format, rows, cols, place, std::move(packed)); });
  }
  size_t packed_bytes(const tensor::Format& format, size_t rows, size_t cols) const override {
    return below_->packed_bytes(format, rows, cols);
  }
  std::string layout_name() const override {
    return counts_->layout.empty() ? below_->layout_name() : counts_->layout;
  }
  Result<std::unique_ptr<Array>> array(size_t rows, size_t cols) override {
    return made([&] { return below_->array(rows, cols); });
  }
  Result<std::unique_ptr<Activations>> activations(size_t rows, size_t cols,
                                                   InputForm form) override {
    return made([&] { return below_->activations(rows, cols, form); });
  }
  Result<std::unique_ptr<KvStore>> kv_store(const KvShape& shape, int blocks) override {
    return made([&] { return below_->kv_store(shape, blocks); });
  }
  size_t kv_block_bytes(const KvShape& shape) const override {
    return below_->kv_block_bytes(shape);
  }
  Result<Roofs> measure_roofs() override { return counts_->roofs; }
  Status fault() const override {
    return counts_->fault.empty() ? Status() : Error{Code::kIo, counts_->fault};
  }
  void start() override { counts_->asked += "start "; }

  void write(Array& array, size_t row, std::span<const float> values) override {
    ++counts_->writes;
    counts_->rows_written += values.size() / array.cols();
    later("write", [this, &array, row, kept = copy(values)] { below_->write(array, row, kept); });
  }
  void read(const Array& array, size_t row, std::span<float> values) override {
    ++counts_->reads;
    counts_->asked += "read ";
    counts_->rows_read += values.size() / array.cols();
    do_all();
    below_->read(array, row, values);
  }
  bool largest(const Array& array, std::span<const int32_t> counts, size_t cols,
               std::span<Largest> found) override {
    counts_->asked += "largest ";
    do_all();
    return largest_of(*below_, array, counts, cols, found);
  }
  void fetch(const Array& array, size_t row, std::span<float> values) override {
    ++counts_->reads;
    counts_->rows_read += values.size() / array.cols();
    later("fetch", [this, &array, row, values] { below_->read(array, row, values); });
    fetched_ = tasks_.size();
  }
  void wait() override {
    counts_->asked += "wait ";
    const auto end = tasks_.begin() + static_cast<ptrdiff_t>(std::exchange(fetched_, 0));
    for (auto task = tasks_.begin(); task != end; ++task) (*task)();
    tasks_.erase(tasks_.begin(), end);
  }

  void embed(const Table& table, std::span<const int32_t> tokens, float scale,
             Array& out) override {
    later("embed", [this, table, kept = copy(tokens), scale, &out] {
      below_->embed(table, kept, scale, out);
    });
  }
  void angles(const Rope& rope, std::span<const int32_t> positions, Array& out) override {
    later("angles",
          [this, rope, kept = copy(positions), &out] { below_->angles(rope, kept, out); });
  }
  void norm(const Array& x, const Array& weight, float eps, std::span<const int32_t> rows, int n,
            Activations& out) override {
    later("norm", [this, &x, &weight, eps, kept = copy(rows), n, &out] {
      below_->norm(x, weight, eps, kept, n, out);
    });
  }
  void linear(const Activations& in, int n, std::span<const Linear> products) override {
    later("linear", [this, &in, n, kept = copy(products)] { below_->linear(in, n, kept); });
  }
  void linear_add(const Activations& in, int n, const Matrix& weight, const Array* bias,
                  Array& x) override {
    later("linear_add",
          [this, &in, n, &weight, bias, &x] { below_->linear_add(in, n, weight, bias, x); });
  }
  void add(const Array& y, int n, Array& x) override {
    later("add", [this, &y, n, &x] { below_->add(y, n, x); });
  }
  void norm_add(const Array& y, const Array& weight, float eps, int n, Array& x) override {
    later("norm_add", [this, &y, &weight, eps, n, &x] { below_->norm_add(y, weight, eps, n, x); });
  }
  void gated(const Activations& in, int n, const Matrix& gate, const Matrix& up,
             Activation activation, Activations& out) override {
    later("gated", [this, &in, n, &gate, &up, activation, &out] {
      below_->gated(in, n, gate, up, activation, out);
    });
  }
  void attend(const Attention& attention, const Batch& batch, const Array& angles, Array& q,
              Array& k, const Array& v, KvStore& store, int layer, Activations& out) override {
    std::vector<std::vector<int32_t>> tables;
    for (const auto& table : batch.tables) tables.push_back(copy(table));
    later("attend", [this, attention, positions = copy(batch.positions),
                     sequences = copy(batch.sequences), tables = std::move(tables), &angles, &q, &k,
                     &v, &store, layer, &out] {
      const std::vector<std::span<const int32_t>> views(tables.begin(), tables.end());
      below_->attend(attention, {positions, sequences, views}, angles, q, k, v, store, layer, out);
    });
  }

 private:
  template <class T>
  static std::vector<T> copy(std::span<const T> values) {
    return {values.begin(), values.end()};
  }
  void later(std::string_view name, std::function<void()> task) {
    counts_->asked += std::string(name) + " ";
    tasks_.push_back(std::move(task));
  }
  void do_all() {
    for (const auto& task : std::exchange(tasks_, {})) task();
    fetched_ = 0;
  }
  template <class Make>
  auto made(Make make) -> decltype(make()) {
    if (counts_->made == counts_->made_max) return Error{Code::kLimit, "the device is full"};
    ++counts_->made;
    auto thing = make();
    if constexpr (std::is_same_v<decltype(make()), Result<std::unique_ptr<Matrix>>>)
      if (thing.ok()) counts_->matrix_bytes += (*thing)->bytes();
    return thing;
  }

  std::unique_ptr<Backend> below_;
  std::shared_ptr<Counts> counts_;
  std::vector<std::function<void()>> tasks_;
  size_t fetched_ = 0;  // tasks up to the last fetch
};

/// A split between the processor and a late device, whose counts start anew where none are given.
inline std::unique_ptr<Backend> split_with_late_device(
    Placement placement, std::shared_ptr<LateDevice::Counts> counts = {}) {
  if (!counts) counts = std::make_shared<LateDevice::Counts>();
  auto device = std::make_unique<LateDevice>(std::move(*make_cpu_backend(1)), counts);
  return std::move(*make_split_backend(std::move(*make_cpu_backend(1)), std::move(device),
                                       std::move(placement)));
}

}  // namespace handmill::backend::test
