// Attention over a deep cache, in one row and in many.
#include <memory>
#include <numeric>
#include <vector>

#include "measure/rates.h"
#include "measure/synthetic.h"

namespace handmill::measure {
namespace {

using backend::Backend;

/// A cache at a depth, and what attention over it takes.
class DeepCache {
 public:
  static constexpr int kHeads = 12, kKvHeads = 2, kDepth = 8192, kRowsMost = 64;

  static Result<std::unique_ptr<DeepCache>> make(Backend& backend, backend::KvType type,
                                                 int head_dim, size_t cold_bytes);
  int layers() const { return layers_; }  // that are filled
  double layer_bytes() const {
    return static_cast<double>(store_->block_bytes()) / shape_.layers * kBlocks;
  }
  /// The last n positions attend to all before them.
  void attend(int n, int layer) {
    const auto rows = std::span<const int32_t>(positions_).last(static_cast<size_t>(n));
    attend(layer, kHeads, 0, rows, table_, *out_);
  }

 private:
  static constexpr int kBlocks = kDepth / backend::kKvBlock;
  static_assert(kRowsMost == backend::kKvBlock);

  DeepCache(Backend& backend, const backend::KvShape& shape) : backend_(backend), shape_(shape) {}
  Status allocate();
  Result<int> fill();
  void attend(int layer, int heads, int window, std::span<const int32_t> positions,
              std::span<const int32_t> table, backend::Activations& out);

  Backend& backend_;
  backend::KvShape shape_;
  int layers_ = 0;
  std::vector<int32_t> table_, positions_;
  std::unique_ptr<backend::KvStore> store_;
  std::unique_ptr<backend::Array> turns_, q_, k_, v_;
  std::unique_ptr<backend::Activations> out_;
};

Result<std::unique_ptr<DeepCache>> DeepCache::make(Backend& backend, backend::KvType type,
                                                   int head_dim, size_t cold_bytes) {
  const backend::KvShape one{1, kKvHeads, head_dim, type};
  const size_t layer = backend.kv_block_bytes(one) * kBlocks;
  const auto layers = static_cast<int>(cold_bytes / layer + 1);
  std::unique_ptr<DeepCache> cache(new DeepCache(backend, {layers, kKvHeads, head_dim, type}));
  HANDMILL_OK(cache->allocate());
  HANDMILL_TRY(cache->layers_, cache->fill());
  return cache;
}

Status DeepCache::allocate() {
  constexpr size_t kRows = kRowsMost;
  const auto dim = static_cast<size_t>(shape_.head_dim);
  table_.resize(kBlocks);
  std::iota(table_.begin(), table_.end(), 0);
  positions_.resize(kRows);
  std::iota(positions_.begin(), positions_.end(), kDepth - kRowsMost);
  HANDMILL_TRY(store_, backend_.kv_store(shape_, kBlocks));
  HANDMILL_TRY(turns_, backend_.array(kRows, dim));
  HANDMILL_TRY(q_, random_array(backend_, kRows, kHeads * dim));
  HANDMILL_TRY(k_, random_array(backend_, kRows, kKvHeads * dim));
  HANDMILL_TRY(v_, random_array(backend_, kRows, kKvHeads * dim));
  HANDMILL_TRY(out_, backend_.activations(kRows, kHeads * dim, {.codes = true}));
  const backend::Rope rope{.dims = shape_.head_dim,
                           .frequency = std::vector<double>(dim / 2, 0.01)};
  backend_.angles(rope, positions_, *turns_);
  return {};
}

void DeepCache::attend(int layer, int heads, int window, std::span<const int32_t> positions,
                       std::span<const int32_t> table, backend::Activations& out) {
  static constexpr int32_t kSequences[kRowsMost] = {};
  const backend::Attention attention{.heads = heads,
                                     .kv_heads = kKvHeads,
                                     .head_dim = shape_.head_dim,
                                     .scale = 0.1f,
                                     .window = window,
                                     .rope_dims = shape_.head_dim};
  const std::span<const int32_t> sequences(kSequences, positions.size());
  backend_.attend(attention, {positions, sequences, {&table, 1}}, *turns_, *q_, *k_, *v_, *store_,
                  layer, out);
}

/// Every block is written once, or its pages would all be the system's one page of zeros, which a
/// cache holds. Each is a sequence of its own for that, whose rows see themselves alone.
Result<int> DeepCache::fill() {
  HANDMILL_TRY(const auto out, backend_.activations(backend::kKvBlock,
                                                    kKvHeads * static_cast<size_t>(shape_.head_dim),
                                                    {.codes = true}));
  std::vector<int32_t> first(backend::kKvBlock);
  std::iota(first.begin(), first.end(), 0);
  const auto fill_layer = [&](int layer) {
    for (const int32_t& block : table_) attend(layer, kKvHeads, 1, first, {&block, 1}, *out);
  };
  const double each_s = seconds_of([&] { fill_layer(0); }) + seconds_of([&] { attend(1, 0); });
  const auto layers =
      static_cast<int>(affordable(static_cast<size_t>(shape_.layers), 1, each_s / 2));
  for (int layer = 1; layer < layers; ++layer) fill_layer(layer);
  return layers;
}

}  // namespace

Result<AttentionRate> measure_attention(Backend& backend, backend::KvType type, int head_dim,
                                        size_t cold_bytes) {
  HANDMILL_TRY(const auto cache, DeepCache::make(backend, type, head_dim, cold_bytes));
  const double one_s = median_seconds(kFigureBudget, [&] {
    for (int layer = 0; layer < cache->layers(); ++layer) cache->attend(1, layer);
  });
  const int n = affordable_rows(DeepCache::kRowsMost, [&](int rows) { cache->attend(rows, 0); });
  const double many_s = median_seconds(kFigureBudget, [&] { cache->attend(n, 0); });
  const double operations = 4.0 * DeepCache::kDepth * DeepCache::kHeads * head_dim * n;
  return AttentionRate{std::string(backend::kv_name(type)),
                       {cache->layer_bytes() * cache->layers() / one_s, Source::kMeasured},
                       {operations / many_s, Source::kMeasured}};
}

}  // namespace handmill::measure
