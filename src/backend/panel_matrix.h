// A matrix of weights in panels, wherever its bytes lie. Serves the backends whose layout that is.
#pragma once

#include "backend/backend.h"
#include "backend/panel.h"

namespace handmill::backend {

class PanelMatrix : public Matrix {
 public:
  PanelLayout layout{};
  size_t panel_bytes = 0;
  size_t panels() const { return (rows() + kPanelRows - 1) / kPanelRows; }

  /// Makes it [rows, cols] of that format, without bytes. Fails where there is no such matrix.
  Status shape(const tensor::Format& format, size_t rows, size_t cols);
  /// Whether `size` bytes of the file's format, or of panels, are all of it.
  Status check_source(const tensor::Format& format, size_t size) const;
  Status check_packed(const tensor::Format& format, size_t size) const;
};

}  // namespace handmill::backend
