// Every panel layout on every instruction set: against double arithmetic on the file's own decoder,
// and bit for bit against the scalar kernels, alone and in batches.
#include <algorithm>
#include <gtest/gtest.h>

#include "backend/test_data.h"

namespace handmill::backend {
namespace {

using test::OwnedRows;

struct Packed {
  PanelLayout layout;
  std::vector<uint8_t> bytes;
  size_t panel_bytes, panels;
};

Packed pack(const tensor::Format& format, const std::vector<uint8_t>& data, size_t rows,
            size_t cols) {
  Packed packed{*panel_layout(format), {}, 0, (rows + 15) / 16};
  packed.panel_bytes = packed.layout.panel_bytes(cols);
  packed.bytes.resize(packed.panels * packed.panel_bytes);
  for (size_t panel = 0; panel < packed.panels; ++panel)
    pack_panel(packed.layout, data.data(), rows, cols, panel * 16,
               packed.bytes.data() + panel * packed.panel_bytes);
  return packed;
}

/// [n][panels · 16]
std::vector<float> multiply(const Kernels& kernels, const Packed& packed, const OwnedRows& codes,
                            const std::vector<float>& x, size_t cols, size_t first, size_t n) {
  std::vector<float> out(n * packed.panels * 16, -1.0f);
  std::vector<uint8_t> scratch(kProductScratch + 64);
  auto aligned = (reinterpret_cast<uintptr_t>(scratch.data()) + 63) & ~uintptr_t{63};
  kernels.product({&packed.layout, packed.bytes.data(), packed.panel_bytes,
                   static_cast<int>(packed.panels), codes.rows.at(first), x.data() + first * cols,
                   cols, n, out.data(), packed.panels * 16, reinterpret_cast<uint8_t*>(aligned)});
  return out;
}

class ProductTest : public testing::TestWithParam<const tensor::Format*> {};

TEST_P(ProductTest, AgreesWithDoubleArithmeticAndIsTheSameBitsEverywhere) {
  const tensor::Format& format = *GetParam();
  const size_t unit = static_cast<size_t>(std::max(format.block_cols, 1));
  for (const bool extreme : {false, true}) {
    for (const size_t blocks : {size_t{1}, size_t{3}, size_t{18}}) {
      const size_t cols = unit == 1 ? blocks * 37 : unit * blocks;
      const size_t rows = 5 * 16 - 3, n = 19;
      const auto data = test::random_rows(format, rows, cols, static_cast<uint32_t>(cols), extreme);
      auto x = test::random_floats(n * cols, 7);
      if (extreme)
        for (size_t i = 0; i < x.size(); ++i) x[i] = i / cols % 2 == 0 || i % 3 != 0 ? 3.0f : -3.0f;
      const Packed packed = pack(format, data, rows, cols);
      const OwnedRows codes(scalar_kernels(), x, n, cols);
      const auto expected = multiply(scalar_kernels(), packed, codes, x, cols, 0, n);

      std::vector<float> row(cols);
      for (size_t r = 0; r < rows; ++r) {
        tensor::dequantize_row(format, data.data() + r * (data.size() / rows), cols, row.data());
        for (size_t i = 0; i < n; ++i) {
          double sum = 0, magnitude = 0;
          for (size_t c = 0; c < cols; ++c) {
            const double value = format.group_cols == 0 ? x[i * cols + c]
                                                        : double(codes.rows.at(i).codes[c]) *
                                                              codes.rows.at(i).scales[c / 32];
            sum += row[c] * value;
            magnitude += std::fabs(row[c] * value);
          }
          // Mins cancel against codes, so the bound is in terms of the sum of magnitudes.
          ASSERT_NEAR(expected[i * packed.panels * 16 + r], sum, 4e-6 * magnitude + 1e-30)
              << format.name << " row " << r;
        }
      }
      for (const Kernels* kernels : runnable_kernels()) {
        for (const size_t batch : {size_t{1}, size_t{2}, size_t{3}, size_t{4}, size_t{7}, n}) {
          for (size_t first = 0; first + batch <= n; first += batch) {
            const auto got = multiply(*kernels, packed, codes, x, cols, first, batch);
            ASSERT_EQ(0, std::memcmp(got.data(), expected.data() + first * packed.panels * 16,
                                     got.size() * 4))
                << format.name << " on " << kernels->name << ", " << batch << " rows from "
                << first;
          }
        }
      }
    }
  }
}

std::vector<const tensor::Format*> all_formats() {
  std::vector<const tensor::Format*> list;
  for (const auto& format : tensor::formats()) list.push_back(&format);
  return list;
}
INSTANTIATE_TEST_SUITE_P(Formats, ProductTest, testing::ValuesIn(all_formats()),
                         [](const auto& one) { return std::string(one.param->name); });

TEST(Quantize, KeepsWithinHalfACodeAndSumsExactly) {
  for (const Kernels* kernels : runnable_kernels()) {
    const size_t cols = 96, n = 50;
    auto x = test::random_floats(n * cols, 3, 10.0f);
    for (size_t c = 0; c < 32; ++c) x[c] = 0;                        // a group of zeros
    for (size_t c = 32; c < 64; ++c) x[c] = c == 40 ? 1e-38f : 0;    // one too small to invert
    for (size_t c = 64; c < 96; ++c) x[c] = c % 2 ? 3e38f : -3e38f;  // the largest
    const OwnedRows rows(*kernels, x, n, cols);
    for (size_t i = 0; i < n; ++i) {
      const CodeRows row = rows.rows.at(i);
      ASSERT_EQ(row.cols, 128u);
      for (size_t group = 0; group < 4; ++group) {
        int sum = 0;
        const uint32_t bits = std::bit_cast<uint32_t>(row.scales[group]);
        EXPECT_EQ(bits & 0xffu, 0u);
        for (size_t c = group * 32; c < group * 32 + 32; ++c) {
          sum += row.codes[c];
          if (c < cols) {
            EXPECT_LE(std::fabs(row.codes[c] * row.scales[group] - x[i * cols + c]),
                      0.5001f * row.scales[group] + 1e-30f);
          } else {
            EXPECT_EQ(row.codes[c], 0);
          }
        }
        EXPECT_EQ(sum, row.sums16[2 * group] + row.sums16[2 * group + 1]);
        EXPECT_EQ(row.sums[group], static_cast<float>(sum) * row.scales[group]);
      }
      EXPECT_EQ(row.scales[3], 0.0f);
    }
  }
}

}  // namespace
}  // namespace handmill::backend
