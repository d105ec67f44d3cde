// One model in two places: a backend over the processor's and a device's. Each layer has its place;
// a device's layer can leave a part of its feed-forward block to the processor, which computes its
// share while the device computes the rest: rows of gate and up, and the columns of down that they
// feed, so that one sum a layer joins the two. A layer's keys and values lie where the layer is.
//
// Arrays are copied from one side to the other when a side first reads what the other wrote. Same
// text, same placement, same bits, whatever the batch and the chunking; another placement rounds
// otherwise.
//
// It asks of its callers what every model does anyway: a model's matrices are made before the
// activations that they read; what a norm read is not written before every product of the norm's
// output is asked for; the output of gated or attend is read by matrices of the same layer, and
// before gated's input is written anew; and matrices of Role::kFfnIn are read by gated alone.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"

namespace handmill::backend {

struct LayerPlace {
  bool on_device = false;
  /// Of a device's layer: about how many columns of the feed-forward block's width the processor
  /// computes; 0: none. device_ffn_cols() says how many exactly.
  size_t cpu_ffn_cols = 0;
};

struct Placement {
  std::vector<LayerPlace> layers;  // those beyond are the processor's
  bool head_on_device = false;     // the matrix that makes the logits

  int device_layers() const;
  bool uses_device() const { return head_on_device || device_layers() > 0; }
};

/// No block of a file's format and no tile of panels is wider.
inline constexpr size_t kShareCols = 256;

/// The first columns of a feed-forward block's width, which the device computes where the processor
/// is to have about `cpu_cols`: a multiple of kShareCols, never none of them; the processor has the
/// rest. All of them, where cpu_cols is 0 or the width is no more than kShareCols.
size_t device_ffn_cols(size_t ffn_width, size_t cpu_cols);

/// REQUIRES: neither backend is null. Fails where their layouts of packed weights differ.
/// Where the placement uses the device, every array and activations is made on both sides.
Result<std::unique_ptr<Backend>> make_split_backend(std::unique_ptr<Backend> cpu,
                                                    std::unique_ptr<Backend> device,
                                                    Placement placement);

}  // namespace handmill::backend
