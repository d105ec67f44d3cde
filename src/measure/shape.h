// What a model file asks of a machine, counted from its tensor table alone: bytes as the file has
// them and multiply-adds, by part and by format. No weight is read. Serves predictions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"
#include "gguf/file.h"
#include "model/model.h"
#include "model/work.h"

namespace handmill::measure {

enum class PartKind { kAttention, kFeedForward, kHead, kNorms };
std::string_view part_name(PartKind kind);  // "attention projections"

/// All tensors of one kind and format, over all layers. A tied head is the embedding's matrix, read
/// whole as the head.
struct ShapePart {
  PartKind kind;
  std::string format;     // "q4_k"
  uint64_t bytes = 0;     // as the file has them
  uint64_t elements = 0;  // of matrices: so many multiply-adds a row; 0 for norms and biases
  bool once = false;      // of the head: read where there are outputs, multiplied for them alone
  int codings = 1;        // rows of codes that are multiplied for one: 2 where inputs are fine
};

struct Shape {
  model::Config config;
  std::vector<ShapePart> parts;
  uint64_t embedding_row_bytes = 0;  // one row is read for each token, whatever the vocabulary
  uint64_t parameters = 0;           // of all tensors; a tied head counts once
  uint64_t file_bytes = 0;
  uint64_t packed_bytes =
      0;  // of the weights in memory; 0: unknown. An embedding stays in the file
  uint64_t kv_block_bytes_f16 = 0, kv_block_bytes_q8_0 = 0;  // of kKvBlock positions, all layers

  uint64_t kv_block_bytes(backend::KvType type) const {
    return type == backend::KvType::kF16 ? kv_block_bytes_f16 : kv_block_bytes_q8_0;
  }
  /// Numbers of a row that pass between products in all layers: through two norms, the coding of
  /// attention's output, the rotation and keeping of queries, keys and values, and the gate.
  double row_elements() const;
  /// `rows` tokens of one sequence that has `depth` positions in its cache, the last `outputs` of
  /// which want logits. REQUIRES: rows > 0, depth >= 0.
  model::Work work(int rows, int depth, int outputs, backend::KvType kv) const;
};

/// `backend` says how many bytes its cache holds for a position. A model that handmill cannot run
/// is an error that names what is wrong with it.
Result<Shape> read_shape(const gguf::File& file, const backend::Backend& backend);

}  // namespace handmill::measure
