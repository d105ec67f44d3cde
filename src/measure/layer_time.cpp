// What a layer takes beside its bytes and operations, in one row and in many.
#include <memory>
#include <vector>

#include "measure/rates.h"
#include "measure/synthetic.h"

namespace handmill::measure {
namespace {

using backend::Backend;

/// A layer of 64 columns, beside norms of a usual width.
class SmallLayer {
 public:
  static constexpr size_t kNormWidth = 2048, kWidth = 64;
  static constexpr int kHeads = 2, kDim = 32;

  explicit SmallLayer(Backend& backend) : backend_(backend) {}
  Status allocate();
  void run();

 private:
  Backend& backend_;
  std::unique_ptr<backend::Matrix> matrix_;
  std::unique_ptr<backend::KvStore> store_;
  std::unique_ptr<backend::Array> wide_, wide_weight_, x_, weight_, turns_, q_, k_, v_;
  std::unique_ptr<backend::Activations> wide_in_, in_, attended_, gated_;
};

Status SmallLayer::allocate() {
  constexpr backend::InputForm kCodes{.codes = true};
  const tensor::Format* format = tensor::find_format(tensor::Type::kQ4_0);
  HANDMILL_TRY(matrix_, random_matrix(backend_, *format, kWidth, kWidth));
  HANDMILL_TRY(store_, backend_.kv_store({1, kHeads, kDim, backend::KvType::kF16}, 1));
  HANDMILL_TRY(wide_, random_array(backend_, 1, kNormWidth));
  HANDMILL_TRY(wide_weight_, random_array(backend_, 1, kNormWidth));
  HANDMILL_TRY(wide_in_, backend_.activations(1, kNormWidth, kCodes));
  HANDMILL_TRY(weight_, random_array(backend_, 1, kWidth));
  for (auto* array : {&x_, &q_, &k_, &v_}) {
    HANDMILL_TRY(*array, random_array(backend_, 1, kWidth));
  }
  for (auto* rows : {&in_, &attended_, &gated_}) {
    HANDMILL_TRY(*rows, backend_.activations(1, kWidth, kCodes));
  }
  HANDMILL_TRY(turns_, backend_.array(1, kDim));
  const backend::Rope rope{.dims = kDim, .frequency = std::vector<double>(kDim / 2, 0.01)};
  constexpr int32_t kPosition = 0;
  backend_.angles(rope, {&kPosition, 1}, *turns_);
  backend_.norm(*x_, *weight_, 1e-5f, {}, 1, *in_);
  return {};
}

void SmallLayer::run() {
  constexpr int32_t kFirst = 0;
  constexpr backend::Attention kAttention{
      .heads = kHeads, .kv_heads = kHeads, .head_dim = kDim, .scale = 0.1f, .rope_dims = kDim};
  const std::span<const int32_t> one(&kFirst, 1);
  const backend::Linear products[] = {{matrix_.get(), nullptr, q_.get()},
                                      {matrix_.get(), nullptr, k_.get()},
                                      {matrix_.get(), nullptr, v_.get()}};
  backend_.norm(*wide_, *wide_weight_, 1e-5f, {}, 1, *wide_in_);
  backend_.linear(*in_, 1, products);
  backend_.attend(kAttention, {one, one, {&one, 1}}, *turns_, *q_, *k_, *v_, *store_, 0,
                  *attended_);
  backend_.linear_add(*attended_, 1, *matrix_, nullptr, *x_);
  backend_.norm(*wide_, *wide_weight_, 1e-5f, {}, 1, *wide_in_);
  backend_.gated(*in_, 1, *matrix_, *matrix_, backend::Activation::kSilu, *gated_);
  backend_.linear_add(*gated_, 1, *matrix_, nullptr, *x_);
}

}  // namespace

Result<Figure> measure_layer(Backend& backend) {
  constexpr int kLayers = 500;
  SmallLayer layer(backend);
  HANDMILL_OK(layer.allocate());
  const double all_s = median_seconds(kFigureBudget, [&] {
    for (int i = 0; i < kLayers; ++i) layer.run();
  });
  return Figure{all_s / kLayers, Source::kMeasured};
}

Result<Figure> measure_elements(Backend& backend) {
  constexpr size_t kRows = 512, kCols = 2048;
  HANDMILL_TRY(const auto x, random_array(backend, kRows, kCols));
  HANDMILL_TRY(const auto weight, random_array(backend, 1, kCols));
  HANDMILL_TRY(const auto out, backend.activations(kRows, kCols, {.codes = true}));
  const auto norm = [&](int rows) { backend.norm(*x, *weight, 1e-5f, {}, rows, *out); };
  const int rows = affordable_rows(static_cast<int>(kRows), norm);
  const double all_s = median_seconds(kFigureBudget, [&] { norm(rows); });
  return Figure{static_cast<double>(kCols) * rows / all_s, Source::kMeasured};
}

}  // namespace handmill::measure
