// Row-wise operations of the CPU backend: embedding, rotary angles, norms. A task is a row.
#include "backend/rows.h"

#include "backend/cpu/cpu_backend.h"

namespace handmill::backend {

void CpuBackend::embed(const Table& table, std::span<const int32_t> tokens, float scale,
                       Array& out) {
  auto& to = static_cast<CpuArray&>(out);
  run_rows(tokens.size(), table.cols,
           [&](size_t i, int) { embed_row(table, tokens[i], scale, to.row(i)); });
}

void CpuBackend::angles(const Rope& rope, std::span<const int32_t> positions, Array& out) {
  auto& to = static_cast<CpuArray&>(out);
  run_rows(positions.size(), rope.frequency.size(),
           [&](size_t i, int) { angle_row(rope, positions[i], to.row(i)); });
}

void CpuBackend::norm(const Array& x, const Array& weight, float eps, std::span<const int32_t> rows,
                      int n, Activations& out) {
  const auto& from = static_cast<const CpuArray&>(x);
  const float* scale = static_cast<const CpuArray&>(weight).row(0);
  auto& to = static_cast<CpuActivations&>(out);
  grow_floats(x.cols());
  run_rows(rows.empty() ? static_cast<size_t>(n) : rows.size(), x.cols(),
           [&](size_t i, int worker) {
             float* normed = floats(worker);
             const size_t row = rows.empty() ? i : static_cast<size_t>(rows[i]);
             kernels_.rms_norm(from.row(row), scale, eps, x.cols(), normed);
             finish_row(to, i, normed);
           });
}

void CpuBackend::add(const Array& y, int n, Array& x) {
  const auto& from = static_cast<const CpuArray&>(y);
  auto& to = static_cast<CpuArray&>(x);
  run_rows(static_cast<size_t>(n), y.cols(), [&](size_t i, int) {
    const float* added = from.row(i);
    float* row = to.row(i);
    for (size_t c = 0; c < y.cols(); ++c) row[c] += added[c];
  });
}

void CpuBackend::norm_add(const Array& y, const Array& weight, float eps, int n, Array& x) {
  const auto& from = static_cast<const CpuArray&>(y);
  const float* scale = static_cast<const CpuArray&>(weight).row(0);
  auto& to = static_cast<CpuArray&>(x);
  grow_floats(y.cols());
  run_rows(static_cast<size_t>(n), y.cols(), [&](size_t i, int worker) {
    float* normed = floats(worker);
    kernels_.rms_norm(from.row(i), scale, eps, y.cols(), normed);
    float* row = to.row(i);
    for (size_t c = 0; c < y.cols(); ++c) row[c] += normed[c];
  });
}

}  // namespace handmill::backend
