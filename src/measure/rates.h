// What handmill's kernels reach of a machine's roofs, through the operations that a model calls.
// The shapes are those of Qwen2.5-1.5B: a feed-forward of 8960 by 1536, 12 heads of 128 over 2.
// Each takes some tenths of a second; a machine on which the work of a prefill would take longer
// does it with fewer rows. A lack of memory is the only failure.
#pragma once

#include "backend/backend.h"
#include "measure/machine.h"
#include "tensor/format.h"

namespace handmill::measure {

/// bytes_s: one activation over matrices of together `cold_bytes` (several times the last cache),
/// in bytes that the matrices take in a file. ops_s: 512 activations. `threads` share the making of
/// the matrices, so that each node of memory has a part.
Result<ProductRate> measure_product(backend::Backend& backend, const tensor::Format& format,
                                    size_t cold_bytes, int threads);

/// At depth 8192, over heads of `head_dim` (64 or 128). bytes_s: one row, over the caches of as
/// many layers as `cold_bytes` hold. ops_s: 64 rows.
Result<AttentionRate> measure_attention(backend::Backend& backend, backend::KvType type,
                                        int head_dim, size_t cold_bytes);

/// Seconds of the seven operations of a decode step's layer, with norms of 2048 and matrices so
/// small that nearly nothing is read or multiplied: what is left are the waits between operations.
Result<Figure> measure_layer(backend::Backend& backend);

/// Numbers a second through a norm of 512 rows of 2048 and their coding for the next product.
Result<Figure> measure_elements(backend::Backend& backend);

/// Bytes a second of a Q4_K file, in memory already, into the layout that the kernels read.
Result<Figure> measure_packing(backend::Backend& backend);

}  // namespace handmill::measure
