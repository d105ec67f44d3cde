// What forward passes have to do, counted from shapes alone: the bytes that memory must deliver at
// the least, and the operations on them. Beside a machine's roofs (backend::Roofs) it says how near
// to the limit a speed is. No number here depends on a backend's layouts.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/backend.h"

namespace handmill::model {

struct Config;

/// What one forward pass reads all of, or nothing.
struct Part {
  uint64_t bytes = 0;     // of its tensors, as the file has them
  uint64_t elements = 0;  // of its matrices: so many multiply-adds a row
};
struct WeightSizes {
  Part body, head;  // the layers; the last norm and the output
  uint64_t embedding_row_bytes = 0;
};

/// A multiplication is one operation, an addition another.
struct Work {
  uint64_t weight_bytes = 0;   // as the file has them
  uint64_t kv_bytes = 0;       // of the cache, as the store has them
  uint64_t product_ops = 0;    // of products with weights
  uint64_t attention_ops = 0;  // q · k, and the sum of values
  uint64_t bytes() const { return weight_bytes + kv_bytes; }
  uint64_t ops() const { return product_ops + attention_ops; }

  Work& operator+=(const Work& more) {
    weight_bytes += more.weight_bytes;
    kv_bytes += more.kv_bytes;
    product_ops += more.product_ops;
    attention_ops += more.attention_ops;
    return *this;
  }
  /// REQUIRES: `before` was counted on the way to this.
  Work operator-(const Work& before) const {
    return {weight_bytes - before.weight_bytes, kv_bytes - before.kv_bytes,
            product_ops - before.product_ops, attention_ops - before.attention_ops};
  }
};

/// One batch: every weight of the layers once, the head's where there are outputs, for each row its
/// row of the embedding, and for each sequence the positions that any of its rows sees, once.
/// `kv_block_bytes` are those of one block over all layers.
Work count_work(const Config& config, const WeightSizes& weights, const backend::Batch& batch,
                size_t outputs, size_t kv_block_bytes);

}  // namespace handmill::model
