#include "measure/subject.h"

#include "backend/cpu/cpu.h"

namespace handmill::measure {
namespace {

Prediction times(Prediction prediction, int count) {
  const auto many = static_cast<uint64_t>(count);
  for (double* seconds :
       {&prediction.seconds, &prediction.memory_s, &prediction.ops_s, &prediction.layers_s})
    *seconds *= count;
  model::Work& work = prediction.work;
  for (uint64_t* sum : {&work.weight_bytes, &work.kv_bytes, &work.product_ops, &work.attention_ops})
    *sum *= many;
  return prediction;
}

}  // namespace

Subject::Subject(ModelId of_model, Shape of_shape, Machine on, backend::KvType kv_type,
                 int threads_used, int chunk_most)
    : model(std::move(of_model)),
      shape(std::move(of_shape)),
      machine(std::move(on)),
      calibration(measure::calibration(machine)),
      kv(kv_type),
      threads(threads_used),
      chunk(chunk_most),
      attention_(shape) {
  attention_.parts.clear();
}

Result<Subject> Subject::read(std::string name, const gguf::File& file, Machine on,
                              backend::KvType kv_type, int threads_used, int chunk_most) {
  HANDMILL_TRY(const auto backend, backend::make_cpu_backend(1));
  HANDMILL_TRY(Shape of_shape, read_shape(file, *backend));
  return Subject(identify(std::move(name), file), std::move(of_shape), std::move(on), kv_type,
                 threads_used, chunk_most);
}

Result<Prediction> Subject::predict(const Shape& of_shape, const Piece& piece) const {
  if (piece.phase == Phase::kPrefill)
    return predict_prefill(of_shape, machine, kv, piece.tokens, piece.depth, chunk);
  HANDMILL_TRY(const Prediction one, predict_decode(of_shape, machine, kv, piece.depth));
  return times(one, piece.tokens);
}

Result<Prediction> Subject::predict(const Piece& piece) const { return predict(shape, piece); }

Result<Prediction> Subject::predict_attention(const Piece& piece) const {
  return predict(attention_, piece);
}

Forecast Subject::forecast(const Piece& piece, const Prediction& prediction) const {
  Forecast f;
  f.machine = machine.name;
  f.engine = machine.engine;
  f.calibration = calibration;
  f.model = model;
  f.kv = backend::kv_name(kv);
  f.threads = threads;
  f.phase = piece.phase;
  f.tokens = piece.tokens;
  f.depth = piece.depth;
  f.basis = prediction.basis;
  f.seconds = prediction.seconds;
  f.memory_s = prediction.memory_s;
  f.ops_s = prediction.ops_s;
  f.layers_s = prediction.layers_s;
  f.told_s = prediction.seconds;
  f.low_s = prediction.low();
  f.high_s = prediction.high();
  return f;
}

}  // namespace handmill::measure
