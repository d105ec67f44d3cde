// One model in two places: a backend over the processor's and a device's. Each layer has its place;
// a device's layer can leave a part of its feed-forward block to the processor, which computes its
// share while the device computes the rest: rows of gate and up, and the columns of down that they
// feed, so that one sum a layer joins the two. A layer's keys and values lie where the layer is.
//
// Arrays are copied from one side to the other when a side first reads what the other wrote. Same
// text, same placement, same bits, whatever the batch and the chunking; another placement rounds
// otherwise.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"

namespace handmill::backend {

struct LayerPlace {
  bool on_device = false;
  /// Of a device's layer: columns of the feed-forward block's width that the processor computes, a
  /// multiple of kShareCols below that width.
  size_t cpu_ffn_cols = 0;
};
/// No block of a file's format and no tile of panels is wider.
inline constexpr size_t kShareCols = 256;

struct Placement {
  std::vector<LayerPlace> layers;
  bool head_on_device = false;  // the matrix that makes the logits

  int device_layers() const;
};

/// Both backends have the same layout of packed weights. REQUIRES: neither is null.
/// `stream_rows` is the batch from which on the processor's matrices are sent to the device for one
/// product, instead of being multiplied here; 0: never.
Result<std::unique_ptr<Backend>> make_split_backend(std::unique_ptr<Backend> cpu,
                                                    std::unique_ptr<Backend> device,
                                                    Placement placement, int stream_rows = 0);

}  // namespace handmill::backend
