// The CPU's own forms of weights, arrays, activations and caches, and the Backend over them.
// Operations split their rows or heads into tasks of disjoint outputs; which thread takes which
// task never changes a bit.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/kernels/kernels.h"
#include "backend/cpu/memory.h"
#include "backend/cpu/roofs.h"
#include "backend/cpu/threads.h"
#include "backend/panel_matrix.h"

namespace handmill::backend {

struct CpuMatrix final : PanelMatrix {
  std::shared_ptr<const uint8_t> data;  // panels() · panel_bytes
  const uint8_t* panel(size_t index) const { return data.get() + index * panel_bytes; }
  std::span<const uint8_t> packed() const override { return {data.get(), bytes()}; }
};

struct CpuArray final : Array {
  Memory memory;
  float* row(size_t index) const { return memory.as<float>() + index * cols(); }
  friend class CpuBackend;
};

struct CpuActivations final : Activations {
  Memory memory;
  CodeRows codes{};         // null pointers where no matrix wants codes
  size_t codings = 1;       // rows of codes for one of ours: 2 where fine, the rest after the first
  float* floats = nullptr;  // [rows, cols], or null
  friend class CpuBackend;
};

struct CpuKvStore final : KvStore {
  KvShape shape{};
  size_t head_bytes = 0;
  Memory memory;  // [block][layer][kv head][head_bytes]: what is in use lies together
  uint8_t* at(int layer, int32_t block, int head) const {
    return memory.data() + static_cast<size_t>(block) * block_bytes_ +
           static_cast<size_t>(layer * shape.kv_heads + head) * head_bytes;
  }
  friend class CpuBackend;
};

class CpuBackend final : public Backend {
 public:
  CpuBackend(const Kernels& kernels, int threads);

  std::string description() const override;
  uint64_t barriers() const { return threads_.barriers(); }
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
  /// A worker's own memory. It is grown for all workers before tasks run, and never shrinks: so a
  /// steady step allocates nothing, whichever worker takes which task.
  struct Scratch {
    std::vector<float> floats;
    std::vector<uint8_t> product;  // kProductScratch bytes and room to align them
    std::vector<float> queries;    // scores of a tile, then the queries of an attention task
    std::vector<int> ranges;
    std::vector<int8_t> codes;  // the queries again, quantized
    std::vector<float> code_floats;
    std::vector<int32_t> code_sums;
  };
  /// The rows of one sequence in a batch.
  struct Run {
    int first_row, rows, first_position;
    std::span<const int32_t> table;
    int first_chunk, chunks;  // of keys that any row sees
    bool split;               // chunks are tasks of their own, joined afterwards
    int parts;                // tasks for each kv head
    size_t partials;          // where theirs begin
  };
  struct AttendJob {
    const Attention& attention;
    const Batch& batch;
    const CpuArray& angles;
    CpuArray& q;
    CpuArray& k;
    const CpuArray& v;
    CpuKvStore& store;
    int layer;
    int group() const { return attention.heads / attention.kv_heads; }
  };
  /// Running state of attention over `rows` queries: arrays in a worker's scratch.
  struct State {
    float* maximum;
    float* sum;
    float* values;
  };

  /// Panels [panel, panel + count) of `matrix` times n activations, into out [n][count · 16], of
  /// which the fine inputs' second rows take as much again.
  void product(const CpuMatrix& matrix, size_t panel, int count, const CpuActivations& in, size_t n,
               float* out, int worker);
  /// How many panels one task takes: enough work to be worth a task, enough tasks to share.
  size_t panels_per_task(const CpuMatrix& matrix, size_t n) const;
  size_t product_floats(const CpuMatrix& matrix, const CpuActivations& in, size_t n) const;
  /// The same product for every task of `matrix`: done(first row, rows, values [n][stride],
  /// stride).
  template <class Done>
  void product_task(const CpuMatrix& matrix, size_t task, const CpuActivations& in, size_t n,
                    int worker, Done done);
  void finish_row(CpuActivations& out, size_t row, const float* values);
  void finish_group(CpuActivations& out, size_t row, size_t col, size_t count, const float* values);
  void grow_floats(size_t count);
  /// task(i, worker) for n rows of `cols` values: on this thread alone where they are so few that
  /// waiting for the others would take as long.
  template <class Task>
  void run_rows(size_t n, size_t cols, Task task) {
    constexpr size_t kWorthSharing = 16384;
    if (n * cols > kWorthSharing) return threads_.run(n, task);
    for (size_t i = 0; i < n; ++i) task(i, 0);
  }
  float* floats(int worker) { return scratch_[static_cast<size_t>(worker)].floats.data(); }

  void find_runs(const AttendJob& job);
  static size_t chunk_floats(const AttendJob& job, int rows);
  void grow_partials(const AttendJob& job, size_t floats);
  void grow_attention(const AttendJob& job, int tokens);
  size_t plan_parts(const AttendJob& job, int tokens);
  void rotate_and_store(const AttendJob& job, size_t row);
  void attend_blocks(const AttendJob& job, const Run& run, int head, int first, int count,
                     int begin, int end, int after, State state, int worker);
  void attend_whole(const AttendJob& job, const Run& run, int head, int first, int count,
                    int worker);
  void attend_chunk(const AttendJob& job, const Run& run, int head, int chunk, int worker);
  void join_chunks(const AttendJob& job, const Run& run, int row);

  const Kernels& kernels_;
  Threads threads_;
  Arena weights_;
  std::vector<Scratch> scratch_;  // [worker]
  std::vector<Run> runs_;
  std::vector<float> attended_;        // [n, heads · head_dim]
  std::unique_ptr<float[]> partials_;  // of chunks that different tasks reduced
  size_t partials_size_ = 0;
  std::unique_ptr<std::atomic<int>[]> unfinished_;  // [n]: tasks of the tokens from that row on
  size_t unfinished_size_ = 0;
  std::optional<RoofMeter> roofs_;  // from its first use on
};

}  // namespace handmill::backend
