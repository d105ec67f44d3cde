// A model as it runs on one machine: all that a prediction of a piece of a run takes.
#pragma once

#include <string>

#include "backend/backend.h"
#include "base/result.h"
#include "gguf/file.h"
#include "measure/ledger.h"
#include "measure/machine.h"
#include "measure/predict.h"
#include "measure/shape.h"

namespace handmill::measure {

/// A part of a run that is measured alone.
struct Piece {
  Phase phase = Phase::kDecode;
  int tokens = 1;  // of decode: its steps
  int depth = 0;   // tokens before the first; of decode before the step in the middle
};

/// Of `steps` decode steps after `depth` tokens.
inline Piece decode_piece(int steps, int depth) {
  return {Phase::kDecode, steps, depth + (steps > 1 ? (steps - 1) / 2 : 0)};
}

/// Any thread may read.
struct Subject {
  ModelId model;
  Shape shape;
  Machine machine;
  std::string calibration;  // of the machine
  backend::KvType kv;
  int threads;
  int chunk;  // most tokens of a prefill's step

  /// REQUIRES: chunk_most > 0.
  Subject(ModelId of_model, Shape of_shape, Machine on, backend::KvType kv_type, int threads_used,
          int chunk_most);
  /// A model that handmill cannot run is an error.
  static Result<Subject> read(std::string name, const gguf::File& file, Machine on,
                              backend::KvType kv_type, int threads_used, int chunk_most);

  Result<Prediction> predict(const Piece& piece) const;
  /// Of the same piece, as if the model had no weights: its attention, and the layers beside it.
  Result<Prediction> predict_attention(const Piece& piece) const;
  Forecast forecast(const Piece& piece, const Prediction& prediction) const;  // uncorrected

 private:
  Result<Prediction> predict(const Shape& of_shape, const Piece& piece) const;
  Shape attention_;  // without parts
};

}  // namespace handmill::measure
