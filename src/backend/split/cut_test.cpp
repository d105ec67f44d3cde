// Matrices of a split model: a shared block is the same block, in every format, whether it was
// packed or adopted; each side has its part alone, and the file's bytes go once nobody reads them.
#include <cmath>
#include <gtest/gtest.h>
#include <mutex>

#include "backend/split/late_device.h"
#include "backend/test_data.h"

namespace handmill::backend {
namespace {

using Counts = test::LateDevice::Counts;
using Floats = std::vector<float>;
using Role = Place::Role;
using test::split_with_late_device;

constexpr size_t kWidth = 256;
constexpr int kRows = 5;
constexpr LayerPlace kThere{true, 0}, kShared{true, 300};

std::unique_ptr<Backend> cpu() { return std::move(*make_cpu_backend(2)); }

/// A feed-forward block of some format. Its last tile is short, and its last panel, where the
/// format allows that.
class Block {
 public:
  explicit Block(const tensor::Format& format) : format_(format) {
    ffn_ = format.block_cols == 256 ? 768 : format.block_cols == 32 ? 864 : 870;
    gate_ = test::random_rows(format, ffn_, kWidth, 1);
    up_ = test::random_rows(format, ffn_, kWidth, 2);
    down_ = test::random_rows(format, kWidth, ffn_, 3);
  }
  struct Weights {
    std::unique_ptr<Matrix> gate, up, down;
    size_t bytes() const { return gate->bytes() + up->bytes() + down->bytes(); }
  };

  /// Bytes of the file that are said to be consumed are destroyed at once.
  Weights pack(Backend& backend) const {
    auto one = [&](const std::vector<uint8_t>& data, size_t rows, size_t cols, Role role) {
      std::mutex mutex;
      size_t consumed = 0;
      auto file = data;
      auto packed = std::move(
          *backend.pack(format_, file, rows, cols, {0, role}, [&](std::span<const uint8_t> part) {
            const std::lock_guard lock(mutex);
            consumed += part.size();
            std::fill_n(file.begin() + (part.data() - file.data()), part.size(), uint8_t{0x3b});
          }));
      EXPECT_EQ(consumed, data.size());
      return packed;
    };
    return {one(gate_, ffn_, kWidth, Role::kFfnIn), one(up_, ffn_, kWidth, Role::kFfnIn),
            one(down_, kWidth, ffn_, Role::kFfnOut)};
  }
  Weights adopt(Backend& backend, const Weights& whole,
                const std::shared_ptr<const void>& owner) const {
    auto one = [&](const Matrix& from, Role role) {
      return std::move(
          *backend.adopt(format_, from.rows(), from.cols(), {0, role}, {from.packed(), owner}));
    };
    return {one(*whole.gate, Role::kFfnIn), one(*whole.up, Role::kFfnIn),
            one(*whole.down, Role::kFfnOut)};
  }

  /// x + down · (gate · in ⊙ up · in), where `apart` by way of an array of its own.
  Floats run(Backend& backend, const Weights& weights, bool apart = false) const {
    auto array = [&](size_t rows, uint32_t seed) {
      auto made = std::move(*backend.array(rows, kWidth));
      backend.write(*made, 0, test::random_floats(rows * kWidth, seed));
      return made;
    };
    auto x = array(kRows, 4), norm = array(1, 5), bias = array(1, 6), out = array(kRows, 7);
    const bool floats = weights.down->is_float();
    const InputForm form{.codes = !floats, .floats = floats};
    auto in = std::move(*backend.activations(kRows, kWidth, form));
    auto hidden = std::move(*backend.activations(kRows, ffn_, form));
    backend.norm(*x, *norm, 1e-5f, {}, kRows, *in);
    backend.gated(*in, kRows, *weights.gate, *weights.up, Activation::kSilu, *hidden);
    if (apart) {
      const Linear product{weights.down.get(), bias.get(), out.get()};
      backend.linear(*hidden, kRows, {&product, 1});
      backend.add(*out, kRows, *x);
    } else {
      backend.linear_add(*hidden, kRows, *weights.down, bias.get(), *x);
    }
    Floats values(kRows * kWidth);
    backend.read(*x, 0, values);
    return values;
  }

  std::string_view name() const { return format_.name; }
  size_t ffn() const { return ffn_; }

 private:
  const tensor::Format& format_;
  size_t ffn_;
  std::vector<uint8_t> gate_, up_, down_;
};

double nmse(const Floats& got, const Floats& expected) {
  double error = 0, power = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    error += std::pow(double{got[i]} - double{expected[i]}, 2);
    power += std::pow(double{expected[i]}, 2);
  }
  return error / power;
}

TEST(Cut, EveryFormatOfASharedBlockIsTheSameBlock) {
  const auto plain = cpu();
  for (const tensor::Format& format : tensor::formats()) {
    const Block block(format);
    const auto whole = block.pack(*plain);
    const Floats expected = block.run(*plain, whole);
    const auto counts = std::make_shared<Counts>();
    const auto backend = split_with_late_device({{kShared}, false}, counts);
    const auto packed = block.pack(*backend);
    const Floats got = block.run(*backend, packed);
    EXPECT_LT(nmse(got, expected), 1e-10) << block.name();
    EXPECT_NE(got, expected) << block.name() << ": nothing was shared";
    EXPECT_LT(nmse(block.run(*backend, packed, true), expected), 1e-10) << block.name();

    const auto owner = std::make_shared<int>();
    {
      const auto adopted = block.adopt(*backend, whole, owner);
      EXPECT_EQ(block.run(*backend, adopted), got) << block.name();
      EXPECT_GT(owner.use_count(), 1) << "rows of panels are not copied";
    }
    EXPECT_EQ(owner.use_count(), 1);
    // 512 columns of the width are the device's, here of two blocks.
    const size_t device = 2 * (2 * plain->packed_bytes(format, 512, kWidth) +
                               plain->packed_bytes(format, kWidth, 512));
    EXPECT_EQ(counts->matrix_bytes, device) << block.name();
    EXPECT_EQ(packed.bytes(), whole.bytes()) << block.name();
    EXPECT_TRUE(packed.down->packed().empty());
  }
}

TEST(Cut, AWholeMatrixIsOnItsSide) {
  const Block block(*tensor::find_format(tensor::Type::kQ4_0));
  const auto plain = cpu();
  const auto whole = block.pack(*plain);
  for (const LayerPlace place : {LayerPlace{}, LayerPlace{false, 300}, kThere}) {
    const auto counts = std::make_shared<Counts>();
    const auto backend = split_with_late_device({{place}, false}, counts);
    const auto packed = block.pack(*backend);
    EXPECT_EQ(counts->matrix_bytes, place.on_device ? whole.bytes() : 0);
    EXPECT_EQ(block.run(*backend, packed), block.run(*plain, whole));
    EXPECT_TRUE(std::ranges::equal(packed.down->packed(), whole.down->packed()));
  }
}

TEST(Cut, ANarrowBlockIsNotShared) {
  const tensor::Format& format = *tensor::find_format(tensor::Type::kQ8_0);
  const auto counts = std::make_shared<Counts>();
  const auto backend = split_with_late_device({{kShared}, false}, counts);
  const auto data = test::random_rows(format, 64, 256, 1);
  ASSERT_TRUE(backend->pack(format, data, 64, 256, {0, Role::kFfnOut}, {}).ok());
  EXPECT_EQ(counts->matrix_bytes, backend->packed_bytes(format, 64, 256));
}

TEST(Cut, WhatIsNoMatrixIsRefused) {
  const tensor::Format& format = *tensor::find_format(tensor::Type::kQ8_0);
  const auto backend = split_with_late_device({{kShared}, false});
  const auto data = test::random_rows(format, 64, 1024, 1);
  const std::span<const uint8_t> bytes(data);
  for (const Role role : {Role::kFfnIn, Role::kFfnOut, Role::kOther}) {
    const size_t rows = role == Role::kFfnIn ? 1024 : 64, cols = role == Role::kFfnIn ? 64 : 1024;
    auto message = [&](std::span<const uint8_t> file, size_t r, size_t c) {
      const auto made = backend->pack(format, file, r, c, {0, role}, {});
      return made.ok() ? "" : made.error().message;
    };
    EXPECT_EQ(message(bytes, rows, cols), "");
    EXPECT_NE(message(bytes.first(bytes.size() - 1), rows, cols), "");
    EXPECT_NE(message(bytes, rows, cols + 1), "");
    EXPECT_NE(message(bytes, 0, cols), "");
    EXPECT_NE(message(bytes, rows, 0), "");
    const size_t packed = backend->packed_bytes(format, rows, cols);
    const std::vector<uint8_t> panels(packed + 64);
    for (const size_t size : {packed - 64, packed + 64, size_t{0}})
      EXPECT_FALSE(backend->adopt(format, rows, cols, {0, role}, {{panels.data(), size}, {}}).ok());
  }
}

}  // namespace
}  // namespace handmill::backend
