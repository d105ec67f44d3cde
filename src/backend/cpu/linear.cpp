// Products of the CPU backend. A task is a run of panels times all activations, into the worker's
// scratch, from where the rows get their bias, residual or gate and go to their place.
#include <algorithm>

#include "backend/cpu/cpu_backend.h"

namespace handmill::backend {
namespace {

constexpr size_t kUnitPanels =
    kGroupCols / kPanelRows;        // two panels are one group of the next product's input
constexpr size_t kManyTokens = 16;  // from here on a task is a unit
constexpr size_t kTaskBytes =
    size_t{64} << 10;  // of weights: some microseconds of reading, far above a task's cost

}  // namespace

size_t CpuBackend::panels_per_task(const CpuMatrix& matrix, size_t n) const {
  if (n >= kManyTokens) return kUnitPanels;
  const size_t fair = matrix.panels() / (4 * static_cast<size_t>(threads_.count()));
  const size_t worth = kTaskBytes / matrix.panel_bytes;
  return std::max(std::min(fair, worth) / kUnitPanels * kUnitPanels, kUnitPanels);
}

void CpuBackend::product(const CpuMatrix& matrix, size_t panel, int count, const CpuActivations& in,
                         size_t n, float* out, int worker) {
  auto& scratch = scratch_[static_cast<size_t>(worker)].product;
  const auto aligned = (reinterpret_cast<uintptr_t>(scratch.data()) + 63) & ~uintptr_t{63};
  // A fine input is two rows of codes, whose products add up.
  const size_t codings = matrix.is_float() ? 1 : in.codings;
  const Product job{.layout = &matrix.layout,
                    .panels = matrix.panel(panel),
                    .panel_bytes = matrix.panel_bytes,
                    .panel_count = count,
                    .x = in.codes,
                    .xf = in.floats,
                    .cols = matrix.cols(),
                    .n = n * codings,
                    .out = out,
                    .out_stride = static_cast<size_t>(count) * kPanelRows,
                    .scratch = reinterpret_cast<uint8_t*>(aligned)};
  kernels_.product(job);
  if (codings == 1) return;
  for (size_t i = 0; i < n; ++i)
    for (size_t r = 0; r < job.out_stride; ++r)
      out[i * job.out_stride + r] =
          out[2 * i * job.out_stride + r] + out[(2 * i + 1) * job.out_stride + r];
}

/// Scratch of one product_task.
size_t CpuBackend::product_floats(const CpuMatrix& matrix, const CpuActivations& in,
                                  size_t n) const {
  return n * in.codings * panels_per_task(matrix, n) * kPanelRows;
}

template <class Done>
void CpuBackend::product_task(const CpuMatrix& matrix, size_t task, const CpuActivations& in,
                              size_t n, int worker, Done done) {
  const size_t per_task = panels_per_task(matrix, n);
  const size_t panel = task * per_task;
  const size_t count = std::min(per_task, matrix.panels() - panel);
  const size_t stride = count * kPanelRows;
  float* values = floats(worker);
  product(matrix, panel, static_cast<int>(count), in, n, values, worker);
  const size_t row = panel * kPanelRows;
  done(row, std::min(stride, matrix.rows() - row), values, stride);
}

void CpuBackend::linear(const Activations& in, int n, std::span<const Linear> products) {
  const auto& from = static_cast<const CpuActivations&>(in);
  const auto count = static_cast<size_t>(n);
  auto tasks_of = [&](const Linear& one) {
    const auto& matrix = static_cast<const CpuMatrix&>(*one.weight);
    const size_t per_task = panels_per_task(matrix, count);
    return (matrix.panels() + per_task - 1) / per_task;
  };
  size_t tasks = 0;
  for (const Linear& one : products) {
    tasks += tasks_of(one);
    grow_floats(product_floats(static_cast<const CpuMatrix&>(*one.weight), from, count));
  }
  threads_.run(tasks, [&](size_t task, int worker) {
    const Linear* one = products.data();
    for (size_t own; task >= (own = tasks_of(*one)); ++one) task -= own;
    const float* bias = one->bias ? static_cast<const CpuArray*>(one->bias)->row(0) : nullptr;
    auto& out = static_cast<CpuArray&>(*one->out);
    product_task(static_cast<const CpuMatrix&>(*one->weight), task, from, count, worker,
                 [&](size_t row, size_t rows, const float* values, size_t stride) {
                   for (size_t i = 0; i < count; ++i) {
                     float* to = out.row(i) + row;
                     for (size_t r = 0; r < rows; ++r)
                       to[r] = values[i * stride + r] + (bias ? bias[row + r] : 0.0f);
                   }
                 });
  });
}

void CpuBackend::linear_add(const Activations& in, int n, const Matrix& weight, const Array* bias,
                            Array& x) {
  const auto& from = static_cast<const CpuActivations&>(in);
  const auto& matrix = static_cast<const CpuMatrix&>(weight);
  const auto count = static_cast<size_t>(n);
  const size_t per_task = panels_per_task(matrix, count);
  grow_floats(product_floats(matrix, from, count));
  const float* added = bias ? static_cast<const CpuArray*>(bias)->row(0) : nullptr;
  auto& out = static_cast<CpuArray&>(x);
  threads_.run((matrix.panels() + per_task - 1) / per_task, [&](size_t task, int worker) {
    product_task(matrix, task, from, count, worker,
                 [&](size_t row, size_t rows, const float* values, size_t stride) {
                   for (size_t i = 0; i < count; ++i) {
                     float* to = out.row(i) + row;
                     for (size_t r = 0; r < rows; ++r)
                       to[r] += values[i * stride + r] + (added ? added[row + r] : 0.0f);
                   }
                 });
  });
}

void CpuBackend::gated(const Activations& in, int n, const Matrix& gate, const Matrix& up,
                       Activation activation, Activations& out) {
  const auto& from = static_cast<const CpuActivations&>(in);
  const auto& gates = static_cast<const CpuMatrix&>(gate);
  const auto& ups = static_cast<const CpuMatrix&>(up);
  auto& to = static_cast<CpuActivations&>(out);
  const auto count = static_cast<size_t>(n);
  const size_t per_task = panels_per_task(gates, count);
  // Few tokens: a stream of gates, then one of ups, each as long as a task. Many: a group of each,
  // whose values stay in the cache.
  const size_t unit = count >= kManyTokens ? kUnitPanels : per_task;
  const size_t unit_floats = count * from.codings * unit * kPanelRows;
  grow_floats(2 * unit_floats);
  threads_.run((gates.panels() + per_task - 1) / per_task, [&](size_t task, int worker) {
    float* g = floats(worker);
    float* u = g + unit_floats;
    const size_t end = std::min(gates.panels(), (task + 1) * per_task);
    for (size_t panel = task * per_task; panel < end; panel += unit) {
      const size_t panels = std::min(unit, end - panel);
      const size_t stride = panels * kPanelRows;
      product(gates, panel, static_cast<int>(panels), from, count, g, worker);
      product(ups, panel, static_cast<int>(panels), from, count, u, worker);
      kernels_.gate(activation, g, u, count * stride, g);
      const size_t row = panel * kPanelRows;
      const size_t rows = std::min(stride, gates.rows() - row);
      for (size_t i = 0; i < count; ++i)
        for (size_t r = 0; r < rows; r += size_t{kGroupCols})
          finish_group(to, i, row + r, std::min(size_t{kGroupCols}, rows - r), g + i * stride + r);
    }
  });
}

}  // namespace handmill::backend
