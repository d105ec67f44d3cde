// A device against the processor, on a few made-up rows: drivers compile shaders wrongly now and
// then, and a text that is a little wrong is worse than a device that is not used.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <spdlog/spdlog.h>

#include "backend/cpu/cpu.h"
#include "backend/vulkan/shaders.h"
#include "backend/vulkan/vulkan.h"
#include "base/checksum.h"
#include "base/error.h"

namespace handmill::backend {
namespace {

namespace fs = std::filesystem;

using Floats = std::vector<float>;

constexpr size_t kCols = 512, kRows = 96, kMany = 20;
constexpr int kPositions = 300;  // more than a chunk of keys
constexpr int kHeads = 4, kKvHeads = 2, kHeadDim = 64, kQ = kHeads * kHeadDim;

Floats numbers(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  Floats values(count);
  for (float& value : values) value = static_cast<float>(random() % 2001) / 1000.0f - 1.0f;
  return values;
}

/// Bytes that are blocks of any format, with halves below 1.
std::vector<uint8_t> blocks_of(const tensor::Format& format, size_t rows, size_t cols) {
  std::mt19937 random(7);
  std::vector<uint8_t> data(rows * cols / static_cast<size_t>(format.block_cols) *
                            static_cast<size_t>(format.block_bytes));
  for (uint8_t& byte : data) byte = static_cast<uint8_t>(random() % 0x3c);
  return data;
}

Result<std::unique_ptr<Array>> array_of(Backend& backend, const Floats& values, size_t cols) {
  HANDMILL_TRY(auto array, backend.array(values.size() / cols, cols));
  backend.write(*array, 0, values);
  return array;
}

/// A feed-forward block on the last n of kMany rows.
Result<Floats> feed_forward(Backend& backend, tensor::Type type, size_t n) {
  const tensor::Format& format = *tensor::find_format(type);
  const bool floats = format.group_cols == 0;
  const InputForm form{.codes = !floats, .fine = !floats, .floats = floats};
  const auto in = blocks_of(format, kCols, kCols);
  HANDMILL_TRY(const auto gate, backend.pack(format, in, kCols, kCols, {}, {}));
  HANDMILL_TRY(const auto down, backend.pack(format, in, kRows, kCols, {}, {}));
  const Floats all = numbers(kMany * kCols, 1);
  HANDMILL_TRY(const auto x, array_of(backend, {all.end() - long(n * kCols), all.end()}, kCols));
  HANDMILL_TRY(const auto weight, array_of(backend, numbers(kCols, 2), kCols));
  HANDMILL_TRY(const auto y, backend.array(n, kRows));
  HANDMILL_TRY(const auto normed, backend.activations(n, kCols, form));
  HANDMILL_TRY(const auto hidden, backend.activations(n, kCols, form));
  const int rows = static_cast<int>(n);
  backend.norm(*x, *weight, 1e-5f, {}, rows, *normed);
  backend.gated(*normed, rows, *gate, *gate, Activation::kSilu, *hidden);
  backend.linear_add(*hidden, rows, *down, nullptr, *y);
  Floats result(n * kRows);
  backend.read(*y, 0, result);
  HANDMILL_OK(backend.fault());
  return result;
}

/// Attention of kPositions rows in batches of `batch`.
Result<Floats> attention(Backend& backend, KvType type, int batch) {
  const Rope rope{.dims = kHeadDim, .frequency = std::vector<double>(kHeadDim / 2, 0.01)};
  const Attention attention{.heads = kHeads,
                            .kv_heads = kKvHeads,
                            .head_dim = kHeadDim,
                            .scale = 0.125f,
                            .rope_dims = kHeadDim};
  const tensor::Format& format = *tensor::find_format(tensor::Type::kF16);
  HANDMILL_TRY(const auto shown,
               backend.pack(format, blocks_of(format, kRows, kQ), kRows, kQ, {}, {}));
  HANDMILL_TRY(const auto store, backend.kv_store({1, kKvHeads, kHeadDim, type}, 5));
  const std::vector<int32_t> table{3, 0, 4, 1, 2};
  const std::span<const int32_t> view(table);
  const Floats q = numbers(kPositions * kQ, 3), k = numbers(kPositions * kQ / 2, 4);
  Floats result(kPositions * kRows);
  for (int from = 0; from < kPositions; from += batch) {
    const int n = std::min(batch, kPositions - from);
    std::vector<int32_t> positions(static_cast<size_t>(n)), sequences(positions.size());
    for (int i = 0; i < n; ++i) positions[static_cast<size_t>(i)] = from + i;
    const auto part = [&](const Floats& all, int cols) {
      return array_of(backend, {all.begin() + from * cols, all.begin() + (from + n) * cols},
                      static_cast<size_t>(cols));
    };
    HANDMILL_TRY(const auto qs, part(q, kQ));
    HANDMILL_TRY(const auto ks, part(k, kQ / 2));
    HANDMILL_TRY(const auto vs, part(k, kQ / 2));
    const size_t rows = positions.size();
    HANDMILL_TRY(const auto angles, backend.array(rows, kHeadDim));
    HANDMILL_TRY(const auto out, backend.activations(rows, kQ, {.floats = true}));
    HANDMILL_TRY(const auto y, backend.array(rows, kRows));
    backend.angles(rope, positions, *angles);
    backend.attend(attention, {positions, sequences, {&view, 1}}, *angles, *qs, *ks, *vs, *store, 0,
                   *out);
    const Linear product{shown.get(), nullptr, y.get()};
    backend.linear(*out, n, {&product, 1});
    backend.read(*y, 0, std::span(result).subspan(static_cast<size_t>(from) * kRows, rows * kRows));
  }
  HANDMILL_OK(backend.fault());
  return result;
}

/// Σ (a − b)² / Σ b²
double difference(const Floats& a, const Floats& b) {
  double error = 0, energy = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    error += std::pow(double{a[i]} - double{b[i]}, 2);
    energy += std::pow(double{b[i]}, 2);
  }
  return error / energy;
}

/// `few` are the last rows of `many`, asked for in another batch.
Status judge(const Floats& many, const Floats& few, const Floats& expected, double bound,
             const std::string& what) {
  const double off = difference(many, expected);
  if (!(off <= bound))
    return base::unsupported("{} is wrong there, by {:.1e} of its energy", what, off);
  if (std::memcmp(few.data(), many.data() + (many.size() - few.size()),
                  few.size() * sizeof(float)) != 0)
    return base::unsupported("{} differs there from one batch to another", what);
  return {};
}

}  // namespace

Status check_vulkan_backend(Backend& device, Backend& cpu) {
  using tensor::Type;
  for (const Type type : {Type::kF16, Type::kQ8_0, Type::kQ4_1, Type::kQ4_K, Type::kQ6_K}) {
    HANDMILL_TRY(const Floats expected, feed_forward(cpu, type, kMany));
    HANDMILL_TRY(const Floats many, feed_forward(device, type, kMany));
    HANDMILL_TRY(const Floats one, feed_forward(device, type, 1));
    HANDMILL_OK(judge(many, one, expected, 1e-6,
                      fmt::format("a product of {} weights", tensor::find_format(type)->name)));
  }
  for (const KvType type : {KvType::kF16, KvType::kQ8_0}) {
    HANDMILL_TRY(const Floats expected, attention(cpu, type, kPositions));
    HANDMILL_TRY(const Floats many, attention(device, type, kPositions));
    HANDMILL_TRY(const Floats few, attention(device, type, kPositions - 1));
    // The processor makes codes of more than the cache.
    HANDMILL_OK(judge(many, few, expected, type == KvType::kF16 ? 1e-6 : 1e-3,
                      fmt::format("attention with a cache of {}", kv_name(type))));
  }
  return {};
}

Status check_vulkan_backend_once(const VulkanDevice& facts, const std::string& folder,
                                 Backend& device) {
  if (folder.empty()) return {};
  uint64_t sum = base::checksum(facts.driver, base::checksum(facts.name));
  for (const vulkan::Shader& shader : vulkan::shaders())
    sum = base::checksum(
        {reinterpret_cast<const uint8_t*>(shader.code.data()), shader.code.size_bytes()}, sum);
  const std::string mark = fmt::format("{}/checked-{:016x}", folder, sum);
  std::error_code error;
  if (fs::exists(mark, error)) return {};
  spdlog::info("{} is held against the processor, this first time", facts.name);
  HANDMILL_TRY(const auto cpu, make_cpu_backend(1));
  HANDMILL_OK(check_vulkan_backend(device, *cpu));
  // A mark that cannot be kept is made again.
  fs::create_directories(folder, error);
  std::ofstream(mark).close();
  return {};
}

}  // namespace handmill::backend
