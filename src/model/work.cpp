#include "model/work.h"

#include <algorithm>

#include "model/model.h"

namespace handmill::model {
namespace {

/// Summed over the layers: `queries · keys` that meet, and positions that are read.
struct Attended {
  uint64_t pairs = 0;
  uint64_t positions = 0;
};

Attended attended(const Config& config, const backend::Batch& batch) {
  uint64_t local = 0;
  for (int layer = 0; layer < config.layers; ++layer) local += config.is_local(layer) ? 1 : 0;
  const uint64_t global = static_cast<uint64_t>(config.layers) - local;
  const auto rows = static_cast<size_t>(batch.size());
  Attended sum;
  int first = 0;  // position of the sequence's first row in the batch
  for (size_t row = 0; row < rows; ++row) {
    const int position = batch.positions[row];
    const bool begins = row == 0 || batch.sequences[row - 1] != batch.sequences[row];
    const bool ends = row + 1 == rows || batch.sequences[row + 1] != batch.sequences[row];
    if (begins) first = position;
    const auto keys = static_cast<uint64_t>(position) + 1;
    const auto near = std::min(keys, static_cast<uint64_t>(config.window));
    sum.pairs += global * keys + local * near;
    if (!ends) continue;
    const auto unseen = static_cast<uint64_t>(std::max(0, first - config.window + 1));
    sum.positions += global * keys + local * (keys - unseen);
  }
  return sum;
}

}  // namespace

Work count_work(const Config& config, const WeightSizes& weights, const backend::Batch& batch,
                size_t outputs, size_t kv_block_bytes) {
  const auto rows = static_cast<uint64_t>(batch.size());
  const Attended sum = attended(config, batch);
  const auto layers = static_cast<uint64_t>(config.layers);
  const auto width = static_cast<uint64_t>(config.heads) * static_cast<uint64_t>(config.head_dim);
  Work work;
  work.weight_bytes = weights.body.bytes + rows * weights.embedding_row_bytes +
                      (outputs > 0 ? weights.head.bytes : 0);
  work.kv_bytes = sum.positions * (kv_block_bytes / layers) / backend::kKvBlock;
  work.product_ops = 2 * (rows * weights.body.elements + outputs * weights.head.elements);
  work.attention_ops = 4 * sum.pairs * width;
  return work;
}

}  // namespace handmill::model
