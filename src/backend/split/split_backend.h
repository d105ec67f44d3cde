// What a model's parts are made of when it lies in two places, and the Backend over the two. An
// array knows of each row which sides have its newest values; a norm is computed where its output
// is read; the output of a shared gate is two parts, of which the processor's is computed when the
// device has been told all of its own.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/split/split.h"

namespace handmill::backend {

enum class Side : uint8_t { kCpu, kDevice };
constexpr Side other(Side side) { return side == Side::kCpu ? Side::kDevice : Side::kCpu; }

/// A thing that is here, there, or both.
template <class T>
struct Sides {
  std::unique_ptr<T> cpu, device;
  std::unique_ptr<T>& at(Side side) { return side == Side::kCpu ? cpu : device; }
  T& on(Side side) const {
    T* part = side == Side::kCpu ? cpu.get() : device.get();
    assert(part != nullptr);
    return *part;
  }
};

struct SplitMatrix final : Matrix {
  Sides<Matrix> parts;  // both where the matrix is shared
  bool shared() const { return parts.cpu && parts.device; }
  Side side() const { return parts.device ? Side::kDevice : Side::kCpu; }  // of its product
  std::span<const uint8_t> packed() const override {
    return shared() ? std::span<const uint8_t>() : parts.on(side()).packed();
  }
  friend class SplitBackend;
};

struct SplitArray final : Array {
  Sides<Array> parts;
  mutable std::vector<uint8_t> newest;  // [rows], a bit for each side that has the row as it is
  Side home = Side::kCpu;               // where it was computed last; a copy does not change it
  uint64_t writes = 0;
  bool has(Side side, size_t row) const { return (newest[row] & bit(side)) != 0; }
  static uint8_t bit(Side side) { return side == Side::kCpu ? 1 : 2; }
  friend class SplitBackend;
};

/// How a feed-forward block is divided.
struct Share {
  size_t ffn_width, device_cols;
  size_t width;  // of the residual stream
  bool operator==(const Share&) const = default;
};

struct SplitActivations final : Activations {
  /// As inputs of a shared down matrix, and the processor's sum for the device to add.
  struct Shared {
    Share share;
    Sides<Activations> parts;
    std::unique_ptr<SplitArray> sum;  // [rows, width]
    std::vector<float> fetched;       // rows of the residual stream, on their way to the processor
  };
  struct Norm {
    const SplitArray* x = nullptr;
    const Array* weight = nullptr;
    float eps = 0;
    std::vector<int32_t> rows;
    int n = 0;
    uint64_t writes = 0;  // of x, when it was asked for
  };
  /// The processor's part of a shared gate, which is yet to be computed.
  struct Gate {
    const SplitActivations* in = nullptr;
    const Matrix *gate = nullptr, *up = nullptr;
    Activation activation{};
    Shared* shared = nullptr;  // null where the gate is not shared
    size_t fetched = 0;        // rows; none where the processor has them
  };

  Sides<Activations> parts;
  std::vector<Shared> shared;  // one for each way in which blocks of this width are divided
  mutable bool ready_on_cpu = false, ready_on_device = false;
  bool& ready(Side side) const { return side == Side::kCpu ? ready_on_cpu : ready_on_device; }
  Norm norm;
  Gate gate;
  friend class SplitBackend;
};

struct SplitKvStore final : KvStore {
  Sides<KvStore> parts;  // a side without layers has none
  friend class SplitBackend;
};

class SplitBackend final : public Backend {
 public:
  SplitBackend(std::unique_ptr<Backend> cpu, std::unique_ptr<Backend> device, Placement placement);

  std::string description() const override;
  Result<std::unique_ptr<Matrix>> pack(const tensor::Format& format, std::span<const uint8_t> data,
                                       size_t rows, size_t cols, Place place,
                                       const Consumed& consumed) override;
  Result<std::unique_ptr<Matrix>> adopt(const tensor::Format& format, size_t rows, size_t cols,
                                        Place place, PackedBytes packed) override;
  size_t packed_bytes(const tensor::Format& format, size_t rows, size_t cols) const override;
  std::string layout_name() const override;
  Result<std::unique_ptr<Array>> array(size_t rows, size_t cols) override;
  Result<std::unique_ptr<Activations>> activations(size_t rows, size_t cols,
                                                   InputForm form) override;
  Result<std::unique_ptr<KvStore>> kv_store(const KvShape& shape, int blocks) override;
  size_t kv_block_bytes(const KvShape& shape) const override;
  Result<Roofs> measure_roofs() override;
  void write(Array& array, size_t row, std::span<const float> values) override;
  void read(const Array& array, size_t row, std::span<float> values) override;
  bool largest(const Array& array, std::span<const int32_t> counts, size_t cols,
               std::span<Largest> found) override;
  void start() override;
  Status fault() const override;

  void embed(const Table& table, std::span<const int32_t> tokens, float scale, Array& out) override;
  void angles(const Rope& rope, std::span<const int32_t> positions, Array& out) override;
  void norm(const Array& x, const Array& weight, float eps, std::span<const int32_t> rows, int n,
            Activations& out) override;
  void linear(const Activations& in, int n, std::span<const Linear> products) override;
  void linear_add(const Activations& in, int n, const Matrix& weight, const Array* bias,
                  Array& x) override;
  void add(const Array& y, int n, Array& x) override;
  void norm_add(const Array& y, const Array& weight, float eps, int n, Array& x) override;
  void gated(const Activations& in, int n, const Matrix& gate, const Matrix& up,
             Activation activation, Activations& out) override;
  void attend(const Attention& attention, const Batch& batch, const Array& angles, Array& q,
              Array& k, const Array& v, KvStore& store, int layer, Activations& out) override;

 private:
  /// How a matrix of a shared block is cut in two: the device has the first of its rows or columns.
  struct Cut {
    const tensor::Format& format;
    size_t rows, cols;
    bool by_cols;
    size_t device;  // rows or columns
    size_t first(Side side) const { return side == Side::kDevice ? 0 : device; }
    size_t count(Side side) const {
      return side == Side::kDevice ? device : (by_cols ? cols : rows) - device;
    }
    size_t rows_of(Side side) const { return by_cols ? rows : count(side); }
    size_t cols_of(Side side) const { return by_cols ? count(side) : cols; }
  };

  Backend& backend(Side side) const { return side == Side::kCpu ? *cpu_ : *device_; }
  LayerPlace place_of(int layer) const;
  Side side_of(int layer) const { return place_of(layer).on_device ? Side::kDevice : Side::kCpu; }
  /// How many of the first `layers` layers a side has.
  int count_layers(Side side, int layers) const;

  Result<std::unique_ptr<SplitArray>> split_array(size_t rows, size_t cols);
  Result<Sides<Activations>> both_activations(size_t rows, size_t device_cols, size_t cpu_cols,
                                              InputForm form);

  /// Nothing, where the matrix at `place` is not shared.
  std::optional<Cut> cut_of(const tensor::Format& format, size_t rows, size_t cols,
                            Place place) const;
  Side side_of(Place place) const;
  std::unique_ptr<Matrix> on_one_side(std::unique_ptr<Matrix> part, Side side);
  /// make(side) → the side's part of a shared matrix; the device's is made first.
  template <class Make>
  Result<std::unique_ptr<Matrix>> on_both_sides(const Cut& cut, Make make);
  Result<std::unique_ptr<Matrix>> pack_part(const Cut& cut, Side side,
                                            std::span<const uint8_t> data, Place place,
                                            const Consumed& consumed);
  Result<std::unique_ptr<Matrix>> adopt_part(const Cut& cut, Side side, Place place,
                                             const PackedBytes& packed);

  /// The array on a side, where its rows [first, first + count) are brought up to date.
  Array& reach(const Array& array, Side side, size_t first, size_t count);
  const Array* reach_vector(const Array* array, Side side);  // all of it; null stays null
  /// The array on a side, whose first n rows an operation will overwrite there.
  Array& overwrite(Array& array, Side side, int n);
  /// The same, where it reads them first.
  Array& change(Array& array, Side side, int n);
  void reach_rows(const SplitActivations::Norm& norm, Side side);
  /// Activations on a side, where their norm is computed if it has not been.
  const Activations& ready(const SplitActivations& in, Side side);
  /// What the product with `weight` reads on its side.
  const Activations& input(const SplitActivations& in, const SplitMatrix& weight);
  /// The activations on a side, which an operation will fill there.
  static Activations& fill(Activations& out, Side side);
  /// Begins to bring to the processor the rows that its part of a shared block reads: how many.
  size_t fetch_input(const SplitActivations::Norm& norm, std::vector<float>& values);
  void norm_fetched(const SplitActivations::Gate& gate);
  void gate_shared(const SplitActivations& in, int n, const SplitMatrix& gate,
                   const SplitMatrix& up, Activation activation, SplitActivations& out);
  /// The processor's share of a block, added to what the device was told to write into `to`.
  void add_share(const SplitActivations& in, int n, const SplitMatrix& down, Array& to);

  /// Bytes of weights that a token reads: of whole matrices on each side, and of shared ones.
  struct Bytes {
    double cpu = 0, device = 0, shared_cpu = 0, shared_device = 0;
  };

  std::unique_ptr<Backend> cpu_, device_;
  Placement placement_;
  Bytes bytes_;
  std::vector<Share> shares_;
  std::vector<float> staged_;     // rows on their way
  std::vector<Linear> products_;  // of one side
};

}  // namespace handmill::backend
