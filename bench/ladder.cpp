// One ladder per kernel: the same work on every instruction set that this machine has, from the
// scalar specification to what is shipped, as a rate and as a part of the roof. The roofs are
// measured before and after every timing, by the best instruction set, so a neighbour who slows the
// machine slows both.
//
//   ladder [--threads N] [--rounds N] [--only WORD] [--quick]
#include <algorithm>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/roofs.h"
#include "base/seconds_of.h"
#include "tensor/format.h"

namespace handmill::backend {
namespace {

constexpr size_t kRows = 8960, kCols = 1536;  // the feed-forward of Qwen2.5-1.5B
constexpr size_t kColdBytes = size_t{320} << 20;

struct Settings {
  int threads = static_cast<int>(std::thread::hardware_concurrency());
  int rounds = 7;
  bool quick = false;
  std::string only;
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

class Ladder {
 public:
  Ladder(const Settings& settings, Threads& threads, RoofMeter& meter)
      : settings_(settings), threads_(threads), meter_(meter) {}

  /// `work` moves `bytes` and does `operations`; `by_bytes` says which roof it is held against.
  void row(const std::string& name, const char* isa, double bytes, double operations, bool by_bytes,
           const std::function<void()>& work) {
    if (name.find(settings_.only) == std::string::npos) return;
    work();
    std::vector<double> rates, parts, roofs;
    for (int round = 0; round < settings_.rounds; ++round) {
      const double before = roof(by_bytes);
      const double rate = (by_bytes ? bytes : operations) / base::seconds_of(work);
      const double around = (before + roof(by_bytes)) / 2;
      rates.push_back(rate / 1e9);
      roofs.push_back(around / 1e9);
      parts.push_back(100 * rate / around);
    }
    const auto [low, high] = std::minmax_element(parts.begin(), parts.end());
    fmt::print("{:<26} {:<11} {:>8.1f} {}  of {:>7.1f}  {:>4.0f} %  ({:.0f} to {:.0f})\n", name,
               isa, median(rates), by_bytes ? "GB/s " : "GOP/s", median(roofs), median(parts), *low,
               *high);
    std::fflush(stdout);
  }

  int threads() const { return threads_.count(); }
  bool quick() const { return settings_.quick; }

 private:
  double roof(bool by_bytes) { return by_bytes ? meter_.read_bandwidth() : meter_.int8_rate(); }

  const Settings& settings_;
  Threads& threads_;
  RoofMeter& meter_;
};

std::unique_ptr<Array> random_array(Backend& backend, size_t rows, size_t cols) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  auto array = backend.array(rows, cols).value();
  std::vector<float> values(cols);
  for (size_t row = 0; row < rows; ++row) {
    for (float& value : values) value = uniform(random);
    backend.write(*array, row, values);
  }
  return array;
}

/// Products from memory (decode: as many copies of the matrix as no cache holds), and from many
/// rows (prefill).
void products(Ladder& ladder, const tensor::Format& format, const Kernels& kernels) {
  CpuBackend backend(kernels, ladder.threads());
  const auto columns = static_cast<size_t>(format.block_cols);
  std::vector<uint8_t> data(kRows * kCols / columns * static_cast<size_t>(format.block_bytes));
  std::mt19937 random(1);
  for (uint8_t& byte : data) byte = static_cast<uint8_t>(random() & 0x3B);  // no infinite scales
  std::vector<std::unique_ptr<Matrix>> copies;
  for (size_t bytes = 0; bytes < kColdBytes; bytes += copies.back()->bytes())
    copies.push_back(backend.pack(format, data, kRows, kCols, {}, {}).value());
  const bool scalar = kernels.isa == probe::Isa::kScalar;
  for (const int n : {1, 2, 4, 8, 64, 512}) {
    if (scalar && n > 8) continue;  // minutes, and nobody's path
    if (ladder.quick() && n != 1 && n != 8 && n != 512) continue;
    const auto rows = static_cast<size_t>(n);
    auto in = backend.activations(rows, kCols, {.codes = true, .floats = true}).value();
    const auto x = random_array(backend, rows, kCols), weight = random_array(backend, 1, kCols);
    auto out = backend.array(rows, kRows).value();
    backend.norm(*x, *weight, 1e-5f, {}, n, *in);
    const size_t used = scalar || n >= 64 ? 2 : copies.size();
    const auto each = static_cast<double>(kRows * kCols * rows * used);
    ladder.row(fmt::format("{} x {}", format.name, n), kernels.name,
               static_cast<double>(used * copies[0]->bytes()), 2 * each, n <= 2, [&] {
                 for (size_t i = 0; i < used; ++i) {
                   const Linear product{copies[i].get(), nullptr, out.get()};
                   backend.linear(*in, n, {&product, 1});
                 }
               });
  }
}

/// Attention at a depth of a decode step or of n tokens of prefill, with the shape of Qwen2.5-1.5B:
/// 12 heads over 2.
void attention(Ladder& ladder, KvType type, int n, const Kernels& kernels) {
  constexpr int kHeads = 12, kKvHeads = 2, kDim = 128, kDepth = 8192, kLayers = 20;
  const auto rows = static_cast<size_t>(n);
  CpuBackend backend(kernels, ladder.threads());
  const KvShape shape{kLayers, kKvHeads, kDim, type};
  auto store = backend.kv_store(shape, kDepth / kKvBlock).value();
  std::vector<int32_t> blocks(kDepth / kKvBlock), positions(rows), sequences(rows, 0);
  std::iota(blocks.begin(), blocks.end(), 0);
  std::iota(positions.begin(), positions.end(), kDepth - n);
  const std::span<const int32_t> table = blocks;
  const Attention attention{
      .heads = kHeads, .kv_heads = kKvHeads, .head_dim = kDim, .scale = 0.1f, .rope_dims = kDim};
  const Rope rope{.dims = kDim, .frequency = std::vector<double>(kDim / 2, 0.01)};
  auto turns = backend.array(rows, kDim).value();
  backend.angles(rope, positions, *turns);
  auto q = random_array(backend, rows, kHeads * kDim),
       k = random_array(backend, rows, kKvHeads * kDim);
  const auto v = random_array(backend, rows, kKvHeads * kDim);
  auto out = backend.activations(rows, kHeads * kDim, {.codes = true}).value();
  const Batch batch{positions, sequences, {&table, 1}};
  const int layers = kernels.isa == probe::Isa::kScalar || n > 1 ? 1 : kLayers;
  const double bytes =
      static_cast<double>(backend.kv_block_bytes(shape)) * kDepth / kKvBlock / kLayers * layers;
  const double operations = 4.0 * kDepth * kHeads * kDim * layers * n;
  ladder.row(fmt::format("attention {} at 8192 x {}", kv_name(type), n), kernels.name, bytes,
             operations, n == 1, [&] {
               for (int layer = 0; layer < layers; ++layer)
                 backend.attend(attention, batch, *turns, *q, *k, *v, *store, layer, *out);
             });
}

int run(const Settings& settings) {
  const auto all = runnable_kernels();
  Threads threads(settings.threads);
  auto meter = RoofMeter::make(*all.back(), threads);
  if (!meter.ok()) {
    fmt::print(stderr, "ladder: {}\n", meter.error().message);
    return 1;
  }
  fmt::print("{} threads, {} rounds; a product is {} x {}\n", settings.threads, settings.rounds,
             kRows, kCols);
  Ladder ladder(settings, threads, *meter);
  for (const tensor::Format& format : tensor::formats()) {
    if (std::string(format.name).find(settings.only.substr(0, settings.only.find(' '))) ==
        std::string::npos)
      continue;
    for (const Kernels* kernels : all)
      if (!settings.quick || kernels == all.back()) products(ladder, format, *kernels);
  }
  for (const KvType type : {KvType::kF16, KvType::kQ8_0})
    for (const int n : {1, 64})
      for (const Kernels* kernels : all)
        if ((!settings.quick || kernels == all.back()) &&
            (n == 1 || kernels->isa != probe::Isa::kScalar))
          attention(ladder, type, n, *kernels);
  return 0;
}

/// False where the arguments are not understood.
bool parse(int argc, char** argv, Settings& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::string_view value = i + 1 < argc ? argv[i + 1] : "";
    if (word == "--quick") {
      out.quick = true;
    } else if (word == "--only" && !value.empty()) {
      out.only = argv[++i];
    } else if (word == "--threads" || word == "--rounds") {
      int& number = word == "--threads" ? out.threads : out.rounds;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
      if (error != std::errc{} || end != value.data() + value.size() || number < 1) return false;
      ++i;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace
}  // namespace handmill::backend

int main(int argc, char** argv) {
  handmill::backend::Settings settings;
  if (!handmill::backend::parse(argc, argv, settings)) {
    fmt::print(stderr,
               "usage: ladder [--threads N] [--rounds N] [--only WORD] [--quick]\n"
               "  --only WORD  rows whose name has it (q4_k, \"q4_k x 512\", attention)\n"
               "  --quick      the best instruction set, and 1, 8 and 512 activations\n");
    return 2;
  }
  return handmill::backend::run(settings);
}
