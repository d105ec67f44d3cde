#include "backend/panel_matrix.h"

#include "base/error.h"

namespace handmill::backend {

Status PanelMatrix::shape(const tensor::Format& format, size_t rows, size_t cols) {
  const auto found = panel_layout(format);
  if (!found) return base::unsupported("no panel layout for {} weights", format.name);
  if (rows == 0 || cols == 0 || cols % static_cast<size_t>(format.block_cols) != 0)
    return base::invalid("{} weights cannot be {} x {}", format.name, rows, cols);
  layout = *found;
  rows_ = rows;
  cols_ = cols;
  is_float_ = layout.is_float();
  panel_bytes = layout.panel_bytes(cols);
  bytes_ = panels() * panel_bytes;
  return {};
}

Status PanelMatrix::check_source(const tensor::Format& format, size_t size) const {
  if (size / rows() >= row_bytes(format, cols())) return {};
  return base::invalid("{} weights of {} x {} do not lie in {} bytes", format.name, rows(), cols(),
                       size);
}

Status PanelMatrix::check_packed(const tensor::Format& format, size_t size) const {
  if (size == bytes()) return {};
  return base::invalid("packed {} weights of {} x {} are {} bytes, not {}", format.name, rows(),
                       cols(), bytes(), size);
}

}  // namespace handmill::backend
