// The operations that a decoder model is made of, on one device. A model is written against this
// page alone: it never sees threads, instruction sets or memory layouts, and a backend never sees
// models.
//
// Every operation is batch-invariant: a row's result depends on that row's inputs only, and is the
// same bits whatever the number of rows in the call, of threads, or of calls that a prompt was cut
// into. Attention reduces over fixed tiles of keys, in ascending order of position.
//
// One thread calls a backend at a time. An operation may return before its outputs are ready: the
// operations after it and read() find them so. Its spans need not outlive the call. Operations do
// not fail: what can (types, sizes, memory) is checked where weights, arrays and caches are made. A
// device can be lost all the same: fault() says so, and what is read from then on means nothing.
// Rows are tokens of the batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tensor/format.h"

namespace handmill::backend {

/// Weights [rows, cols] in the backend's own layout: rows are outputs, cols inputs. Immutable.
class Matrix {
 public:
  virtual ~Matrix() = default;
  size_t rows() const { return rows_; }
  size_t cols() const { return cols_; }
  size_t bytes() const { return bytes_; }  // read by one product with one row
  bool is_float() const {
    return is_float_;
  }  // multiplies float activations rather than their int8 codes
  virtual std::span<const uint8_t> packed() const = 0;  // empty where a device alone holds them

 protected:
  size_t rows_ = 0, cols_ = 0, bytes_ = 0;
  bool is_float_ = false;
};

/// Where in a model a matrix stands, for backends that hold a model in several places.
struct Place {
  enum class Role {
    kOther,
    kFfnIn,   // gate or up: its outputs are the inputs of kFfnOut
    kFfnOut,  // down
  };
  int layer = -1;  // −1: none, as the matrix that makes the logits
  Role role = Role::kOther;
};

/// A matrix's bytes in a backend's own layout, and what keeps them alive.
struct PackedBytes {
  std::span<const uint8_t> bytes;  // aligned to 64
  std::shared_ptr<const void> owner;
};

/// float32 [rows, cols], row-major.
class Array {
 public:
  virtual ~Array() = default;
  size_t rows() const { return rows_; }
  size_t cols() const { return cols_; }

 protected:
  size_t rows_ = 0, cols_ = 0;
};

/// One of a row's largest values, and where it is.
struct Largest {
  float value;
  int32_t col;
};
/// How many of a row's largest values are asked for at most.
inline constexpr int kLargestMax = 256;

/// How the inputs of products are held, as the matrices that will read them need.
struct InputForm {
  bool codes = false;   // int8 with a scale for each 32 columns
  bool fine = false;    // codes again, for what the rounding of the first left: twice the work of a
                        // product, for about 1/250 of the error
  bool floats = false;  // float32, for matrices of floats
};

/// Inputs of products: [rows, cols], prepared once and shared by every matrix that reads them.
class Activations {
 public:
  virtual ~Activations() = default;
  size_t rows() const { return rows_; }
  size_t cols() const { return cols_; }

 protected:
  size_t rows_ = 0, cols_ = 0;
};

enum class KvType { kF16, kQ8_0 };
constexpr std::string_view kv_name(KvType type) { return type == KvType::kQ8_0 ? "q8_0" : "f16"; }

/// Positions in one block of the key/value cache; also the tile of keys over which attention
/// reduces.
inline constexpr int kKvBlock = 64;

struct KvShape {
  int layers;
  int kv_heads;
  int head_dim;
  KvType type;
};

/// Keys and values of `blocks` blocks of kKvBlock positions for every layer. Which sequence owns
/// which block is the caller's business. Memory is reserved at once and touched block by block.
class KvStore {
 public:
  virtual ~KvStore() = default;
  size_t block_bytes() const { return block_bytes_; }  // of one block over all layers
  int blocks() const { return blocks_; }

 protected:
  size_t block_bytes_ = 0;
  int blocks_ = 0;
};

/// Which sequence and position each row of the batch is. Rows of one sequence are adjacent and
/// ascend by one; the store already holds every earlier position of that sequence.
struct Batch {
  std::span<const int32_t> positions;  // [n]
  std::span<const int32_t> sequences;  // [n], index into tables
  std::span<const std::span<const int32_t>>
      tables;  // per sequence: block of position p is table[p / kKvBlock]
  int size() const { return static_cast<int>(positions.size()); }
};

/// Rotary position embedding (arXiv 2104.09864).
struct Rope {
  bool neighbours =
      false;     // rotates (0,1),(2,3)… as llama does; otherwise (i, i + dims/2) as the others
  int dims = 0;  // leading dimensions of a head that rotate
  std::vector<double> frequency;  // [dims / 2], radians per position
};

struct Attention {
  int heads;
  int kv_heads;  // divides heads
  int head_dim;
  float scale;              // multiplies q·k
  int window = 0;           // a query at p sees keys p − window + 1 … p; 0: all up to p
  bool neighbours = false;  // as in Rope
  int rope_dims = 0;
  const Array* q_norm =
      nullptr;  // [1, head_dim]: RMS norm of each head before the rotation, or none
  const Array* k_norm = nullptr;
  float eps = 0;
  /// [kKvBlock, kv_heads · head_dim] or none: what the keys at positions p = row (mod kKvBlock)
  /// have in common before the rotation, of which rotation makes the same for all positions of a
  /// block. A cache of few bits keeps keys less this, and adds its part to the scores.
  const Array* k_centre = nullptr;
};

enum class Activation { kSilu, kGeluTanh };

/// out = weight · x + bias
struct Linear {
  const Matrix* weight;
  const Array* bias;  // [1, rows] or none
  Array* out;         // [≥ n, rows]
};

/// A table whose rows are looked up: the file's own bytes, which must outlive the backend's use of
/// them.
struct Table {
  const tensor::Format* format;
  std::span<const uint8_t> data;
  size_t rows, cols;
};

/// What a device can do at most, at the moment in which it was measured (Williams, Waterman,
/// Patterson 2009).
struct Roofs {
  double read_bytes_s = 0;  // read from memory
  double int8_ops_s = 0;    // of int8 products in registers; a multiply-add is two
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string description() const = 0;  // "cpu, avx512vnni, 2 threads"

  // Making things. `pack` reads `data` (rows · cols elements of the file's format) once, and calls
  // `consumed` from any of its threads with each part that it will not read again.
  using Consumed = std::function<void(std::span<const uint8_t>)>;
  virtual Result<std::unique_ptr<Matrix>> pack(const tensor::Format& format,
                                               std::span<const uint8_t> data, size_t rows,
                                               size_t cols, Place place,
                                               const Consumed& consumed) = 0;
  /// The matrix that `pack` made once, over its packed() bytes.
  virtual Result<std::unique_ptr<Matrix>> adopt(const tensor::Format& format, size_t rows,
                                                size_t cols, Place place, PackedBytes packed) = 0;
  /// How many bytes `pack` makes of a matrix; 0 where it has no layout for it.
  virtual size_t packed_bytes(const tensor::Format& format, size_t rows, size_t cols) const = 0;
  /// Backends whose layouts have one name pack the same weights into the same bytes.
  virtual std::string layout_name() const = 0;
  virtual Result<std::unique_ptr<Array>> array(size_t rows, size_t cols) = 0;  // zeroed
  virtual Result<std::unique_ptr<Activations>> activations(size_t rows, size_t cols,
                                                           InputForm form) = 0;
  virtual Result<std::unique_ptr<KvStore>> kv_store(const KvShape& shape, int blocks) = 0;
  /// Bytes that one block of such a store takes.
  virtual size_t kv_block_bytes(const KvShape& shape) const = 0;

  /// Tens of milliseconds on the whole device. The first call also takes a buffer several times
  /// the last cache, which is kept: its lack of memory is the only failure.
  virtual Result<Roofs> measure_roofs() = 0;

  /// Whole rows of an array, from `row` on.
  virtual void write(Array& array, size_t row, std::span<const float> values) = 0;
  virtual void read(const Array& array, size_t row, std::span<float> values) = 0;
  /// read() in two steps: after wait() `values`, which live until then, are what the rows were when
  /// they were fetched. What was asked for in between is not waited for.
  virtual void fetch(const Array& array, size_t row, std::span<float> values) {
    read(array, row, values);
  }
  virtual void wait() {}
  /// Of the first counts.size() rows, the counts[i] (1 to kLargestMax, none above `cols`) largest
  /// of row i's first `cols` values, one row after the other: largest first, equal ones by lower
  /// column, −0 as 0. One wait for all rows. False where the caller must read the rows: because
  /// they are as near, or a NaN or +inf is among the values.
  virtual bool largest(const Array& /*array*/, std::span<const int32_t> /*counts*/, size_t /*cols*/,
                       std::span<Largest> /*found*/) {
    return false;
  }
  /// Begins what was asked for so far, and does not wait for it.
  virtual void start() {}
  /// Why the device does nothing any more, if it does not.
  virtual Status fault() const { return {}; }

  // Operations on the first n rows.
  /// out[i] = scale · table[tokens[i]]
  virtual void embed(const Table& table, std::span<const int32_t> tokens, float scale,
                     Array& out) = 0;
  /// out[i] = cos and sin of every rotary angle of positions[i]: [n, dims], pairs (cos, sin).
  virtual void angles(const Rope& rope, std::span<const int32_t> positions, Array& out) = 0;
  /// out[i] = x[rows[i]] / rms(x[rows[i]]) · weight; all of the first n rows where `rows` is empty.
  virtual void norm(const Array& x, const Array& weight, float eps, std::span<const int32_t> rows,
                    int n, Activations& out) = 0;
  /// Several products of the same input.
  virtual void linear(const Activations& in, int n, std::span<const Linear> products) = 0;
  /// x += weight · in + bias
  virtual void linear_add(const Activations& in, int n, const Matrix& weight, const Array* bias,
                          Array& x) = 0;
  /// x += y
  virtual void add(const Array& y, int n, Array& x) = 0;
  /// x += y / rms(y) · weight
  virtual void norm_add(const Array& y, const Array& weight, float eps, int n, Array& x) = 0;
  /// out = activation(gate · in) ⊙ (up · in)
  virtual void gated(const Activations& in, int n, const Matrix& gate, const Matrix& up,
                     Activation activation, Activations& out) = 0;
  /// Norms and rotates q [n, heads · head_dim] and k [n, kv_heads · head_dim] (q and k are scratch
  /// afterwards), stores k and v as the batch's positions in `layer`, and attends causally: out [n,
  /// heads · head_dim].
  virtual void attend(const Attention& attention, const Batch& batch, const Array& angles, Array& q,
                      Array& k, const Array& v, KvStore& store, int layer, Activations& out) = 0;
};

}  // namespace handmill::backend
