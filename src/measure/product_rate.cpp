// Products from memory, and of many rows.
#include <cstring>
#include <system_error>
#include <thread>
#include <vector>

#include "backend/cpu/memory.h"
#include "measure/rates.h"
#include "measure/synthetic.h"

namespace handmill::measure {
namespace {

using backend::Backend;

constexpr size_t kRows = 8960, kCols = 1536;
constexpr size_t kManyRows = kRows / 4;  // of a matrix under many activations: still many panels

/// Writes `bytes` again and again into `out`, each thread its own part of every copy.
void fill_copies(std::span<const uint8_t> bytes, size_t copies, uint8_t* out, int threads) {
  const auto parts = static_cast<size_t>(threads);
  const auto fill = [&](size_t part) {
    const size_t begin = bytes.size() * part / parts, end = bytes.size() * (part + 1) / parts;
    for (size_t copy = 0; copy < copies; ++copy)
      std::memcpy(out + copy * bytes.size() + begin, bytes.data() + begin, end - begin);
  };
  std::vector<std::jthread> team;
  size_t next = 1;
  try {
    for (; next < parts; ++next) team.emplace_back(fill, next);
  } catch (const std::system_error&) {
    for (; next < parts; ++next) fill(next);  // the system gives no more threads
  }
  fill(0);
}

/// The same matrix as often as it takes for `cold_bytes`.
Result<std::vector<std::unique_ptr<backend::Matrix>>> cold_copies(Backend& backend,
                                                                  const tensor::Format& format,
                                                                  size_t cold_bytes, int threads) {
  HANDMILL_TRY(const auto matrix, random_matrix(backend, format, kRows, kCols));
  const std::span<const uint8_t> packed = matrix->packed();
  const size_t copies = cold_bytes / packed.size() + 1;
  HANDMILL_TRY(backend::Memory taken, backend::Memory::allocate(copies * packed.size()));
  const auto memory = std::make_shared<const backend::Memory>(std::move(taken));
  fill_copies(packed, copies, memory->data(), threads);
  std::vector<std::unique_ptr<backend::Matrix>> all;
  for (size_t copy = 0; copy < copies; ++copy) {
    const std::span<const uint8_t> bytes(memory->data() + copy * packed.size(), packed.size());
    HANDMILL_TRY(auto one, backend.adopt(format, kRows, kCols, {}, {bytes, memory}));
    all.push_back(std::move(one));
  }
  return all;
}

/// Inputs and outputs of products.
struct ProductRows {
  std::unique_ptr<backend::Activations> in;
  std::unique_ptr<backend::Array> out;
};
Result<ProductRows> product_rows(Backend& backend, size_t rows) {
  ProductRows made;
  HANDMILL_TRY(made.in, backend.activations(rows, kCols, {.codes = true, .floats = true}));
  HANDMILL_TRY(made.out, backend.array(rows, kRows));
  HANDMILL_TRY(const auto x, random_array(backend, rows, kCols));
  HANDMILL_TRY(const auto weight, random_array(backend, 1, kCols));
  backend.norm(*x, *weight, 1e-5f, {}, static_cast<int>(rows), *made.in);
  return made;
}

}  // namespace

Result<ProductRate> measure_product(Backend& backend, const tensor::Format& format,
                                    size_t cold_bytes, int threads) {
  constexpr int kMany = 512;
  HANDMILL_TRY(const auto copies, cold_copies(backend, format, cold_bytes, threads));
  HANDMILL_TRY(const ProductRows rows, product_rows(backend, kMany));
  const auto read = [&](size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const backend::Linear product{copies[i].get(), nullptr, rows.out.get()};
      backend.linear(*rows.in, 1, {&product, 1});
    }
  };
  const size_t used = affordable(copies.size(), 1, seconds_of([&] { read(1); }));
  const double one_s = median_seconds(kFigureBudget, [&] { read(used); });
  const size_t part = backend.packed_bytes(format, kManyRows, kCols);
  HANDMILL_TRY(const auto few, backend.adopt(format, kManyRows, kCols, {},
                                             {copies[0]->packed().subspan(0, part), nullptr}));
  HANDMILL_TRY(const auto out, backend.array(kMany, kManyRows));
  const auto multiply = [&](int n) {
    const backend::Linear product{few.get(), nullptr, out.get()};
    backend.linear(*rows.in, n, {&product, 1});
  };
  const int n = affordable_rows(kMany, multiply);
  const double many_s = median_seconds(kFigureBudget, [&] { multiply(n); });
  const double file_bytes =
      static_cast<double>(kRows * kCols) / format.block_cols * format.block_bytes;
  const double operations = 2.0 * static_cast<double>(kManyRows * kCols) * n;
  return ProductRate{std::string(format.name),
                     {file_bytes * static_cast<double>(used) / one_s, Source::kMeasured},
                     {operations / many_s, Source::kMeasured}};
}

}  // namespace handmill::measure
