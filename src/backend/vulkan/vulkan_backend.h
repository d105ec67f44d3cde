// A device's own forms of weights, arrays, inputs and caches, and the Backend over them. Operations
// become steps of a Program and run when something is read. Weights are the processor's panels, so
// what was packed for one serves the other.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/panel_matrix.h"
#include "backend/vulkan/device.h"
#include "backend/vulkan/meter.h"
#include "backend/vulkan/program.h"

namespace handmill::backend::vulkan {

struct DeviceMatrix final : PanelMatrix {
  Buffer memory;
  std::span<const uint8_t> packed() const override { return {}; }
};

struct DeviceArray final : Array {
  Buffer memory;
  Buffer mirror;         // for the processor to read; none until it first does
  bool mirrored = true;  // the mirror holds the first `used` rows as they are
  size_t used = 0;       // rows that were last written
  friend class VulkanBackend;
};

/// Where shaders find an array; 0: there is none.
inline uint64_t address(const Array* array) {
  return array == nullptr ? 0 : static_cast<const DeviceArray*>(array)->memory.address();
}
/// For push constants: no buffer holds more words than 32 bits count.
inline uint32_t u32(size_t value) { return static_cast<uint32_t>(value); }

/// Addresses of prepared inputs, as inputs.glsl has them.
struct InputAddresses {
  uint64_t codes, scales, sums16, floats;
};

struct DeviceActivations final : Activations {
  Buffer memory;
  InputAddresses at{};
  InputForm form;
  size_t padded = 0;  // columns of codes
  uint32_t flags() const {
    return (form.codes ? 1u : 0u) | (form.fine ? 2u : 0u) | (form.floats ? 4u : 0u);
  }
  uint32_t codings() const { return form.fine ? 2 : 1; }
  friend class VulkanBackend;
};

struct DeviceKvStore final : KvStore {
  KvShape shape{};
  size_t head_words = 0;
  std::vector<Buffer> layers;
  friend class VulkanBackend;
};

/// Tokens of one sequence against chunks of its keys, as attend.comp has it.
struct AttendTask {
  uint32_t row = 0, tokens = 0, position = 0, table = 0;
  uint32_t begin = 0, end = 0;    // chunks
  uint32_t slot = 0, chunks = 0;  // of partial results; chunks 0: all of its keys are here
};

class VulkanBackend final : public Backend {
 public:
  VulkanBackend(std::shared_ptr<Device> device, std::unique_ptr<Program> program,
                VulkanOptions options);

  std::string description() const override;
  uint64_t recordings() const { return program_->recordings(); }
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
  void fetch(const Array& array, size_t row, std::span<float> values) override;
  void wait() override;
  bool largest(const Array& array, std::span<const int32_t> counts, size_t cols,
               std::span<Largest> found) override;
  void start() override { program_->start(); }
  Status fault() const override { return fault_.ok() ? program_->fault() : fault_; }

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
  /// Where the device finds what a batch's attention needs, made once for all layers of a window.
  struct Plan {
    std::vector<int32_t> batch;  // what it was made for: positions, sequences, tables
    int window = -1;
    uint32_t group = 0;
    uint64_t age = UINT64_MAX;      // of the uploads
    uint64_t rows = 0, tables = 0;  // addresses
    uint64_t whole = 0, split = 0, joins = 0;
    uint32_t whole_tasks = 0, split_tasks = 0, join_count = 0;
  };
  /// What a plan is made of. Its lists are filled anew and never shrink, so that a steady step
  /// allocates nothing.
  struct Lists {
    std::vector<int32_t> rows, tables, joins;
    std::vector<AttendTask> whole, split;
    uint32_t slots = 0;
  };
  /// Rows on their way to the processor.
  struct Fetch {
    const DeviceArray* from;
    size_t row;
    std::span<float> to;
    uint64_t submission;
  };
  struct ProductTo {
    const DeviceMatrix& matrix;
    uint64_t bias;  // 0: none
    uint64_t out;
    bool add;
    bool waits;
  };

  /// Bytes to [at, at + size) of a buffer, now or as a step.
  void send(Buffer& to, size_t at, std::span<const uint8_t> bytes);
  void copy(uint64_t from, uint64_t to, size_t words, bool fill = false);
  void product(const DeviceActivations& in, size_t n, const ProductTo& to);
  void finish_rows(uint64_t a, uint64_t b, uint32_t gate, size_t n, DeviceActivations& out);
  /// The rows of an array's mirror, as they are after what was asked for so far. False where there
  /// is no memory for one.
  bool mirror(DeviceArray& array, size_t rows);
  void deliver(const DeviceArray& from, size_t row, std::span<float> values);
  bool grow(Buffer& buffer, size_t bytes, Use use = Use::kDevice);
  /// The `keep` (a power of two) largest of each row into largest_. False where there is no memory
  /// for that.
  bool seek_largest(const DeviceArray& array, size_t rows, size_t cols, size_t keep);
  const Plan& plan(const Attention& attention, const Batch& batch);
  void fill_plan(Plan& plan, const Attention& attention, const Batch& batch);
  void add_tasks(const Attention& attention, uint32_t row, int position, int count, uint32_t table);
  template <class T>
  uint64_t upload(std::vector<T>& values);
  static void wrote(Array& array, size_t rows);

  std::shared_ptr<Device> device_;
  VulkanOptions options_;
  std::unique_ptr<Program> program_;
  Buffer largest_;   // of rows, for the processor to read
  Buffer scratch_;   // two rows of floats for each row of the widest inputs
  Buffer partials_;  // of attention
  Lists lists_;
  Plan plans_[2];  // local and global layers take turns
  std::vector<Fetch> fetches_;
  std::vector<int32_t> batch_;
  std::vector<float> host_;
  std::unique_ptr<Meter> meter_;  // from its first use on
  Status fault_;
};

}  // namespace handmill::backend::vulkan
