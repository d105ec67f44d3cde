// Operations of the Vulkan backend on rows: embedding, norms, products. Each is a dispatch or two;
// the structs of push constants are those of the shaders of the same name.
#include <algorithm>
#include <bit>

#include "backend/rows.h"
#include "backend/vulkan/vulkan_backend.h"

namespace handmill::backend::vulkan {
namespace {

struct CopyPush {
  uint64_t from, to;
  uint32_t count, pad;
};
struct NormPush {
  uint64_t x, weight, rows;
  InputAddresses to;
  uint32_t cols, padded, flags, selected, eps, pad;
};
struct NormAddPush {
  uint64_t y, weight, x;
  uint32_t cols, eps;
};
struct FinishPush {
  uint64_t a, b;
  InputAddresses to;
  uint32_t rows, cols, padded, flags;
};
struct ProductPush {
  uint64_t panels, codes, scales, sums16, bias, out;
  std::array<uint32_t, 4> table;
  uint32_t cols, panel_bytes, rows, n;
  int32_t offset;
  uint32_t flags;
};
struct FloatProductPush {
  uint64_t panels, x, bias, out;
  uint32_t cols, rows, n, flags;
};

uint32_t bits_of(Codes codes) {
  switch (codes) {
    case Codes::k2: return 2;
    case Codes::k3: return 3;
    case Codes::k5: return 5;
    case Codes::k6: return 6;
    case Codes::k8: return 8;
    default: return 4;
  }
}

/// As panel.glsl counts them.
uint32_t scales_of(Scales scales) { return static_cast<uint32_t>(scales) - 1; }
static_assert(static_cast<int>(Scales::kHalf) == 1 && static_cast<int>(Scales::kSubMin16) == 7);

/// The value that a code stands for less what quad_of() gives for it.
int32_t offset_of(const PanelLayout& layout) {
  const bool signed_already = layout.codes == Codes::k8 || layout.table != nullptr;
  return signed_already ? 0 : layout.code_offset;
}

std::array<uint32_t, 4> table_of(const PanelLayout& layout) {
  std::array<uint32_t, 4> words{};
  if (layout.table != nullptr) std::memcpy(words.data(), layout.table, 16);
  return words;
}

/// Up to so many rows of codes are multiplied straight from the panels.
constexpr size_t kFewCoded = 8;

/// How many of few a workgroup takes: the smallest power of two that holds n, up to kFewCoded.
uint32_t rows_at_once(size_t n) { return u32(std::min(kFewCoded, std::bit_ceil(n))); }

}  // namespace

void VulkanBackend::copy(uint64_t from, uint64_t to, size_t words, bool fill) {
  constexpr size_t kGroups = 4096;
  program_->dispatch({"copy", {fill ? 1u : 0u}}, CopyPush{from, to, u32(words), 0},
                     u32(std::min(kGroups, (words + 63) / 64)));
}

void VulkanBackend::embed(const Table& table, std::span<const int32_t> tokens, float scale,
                          Array& out) {
  host_.resize(tokens.size() * table.cols);
  for (size_t i = 0; i < tokens.size(); ++i)
    embed_row(table, tokens[i], scale, host_.data() + i * table.cols);
  write(out, 0, host_);
}

void VulkanBackend::angles(const Rope& rope, std::span<const int32_t> positions, Array& out) {
  host_.resize(positions.size() * out.cols());
  for (size_t i = 0; i < positions.size(); ++i)
    angle_row(rope, positions[i], host_.data() + i * out.cols());
  write(out, 0, host_);
}

void VulkanBackend::norm(const Array& x, const Array& weight, float eps,
                         std::span<const int32_t> rows, int n, Activations& out) {
  auto& to = static_cast<DeviceActivations&>(out);
  const std::span<const uint8_t> chosen{reinterpret_cast<const uint8_t*>(rows.data()),
                                        rows.size_bytes()};
  program_->dispatch({"norm"},
                     NormPush{.x = address(&x),
                              .weight = address(&weight),
                              .rows = rows.empty() ? 0 : program_->upload(chosen),
                              .to = to.at,
                              .cols = u32(x.cols()),
                              .padded = u32(to.padded),
                              .flags = to.flags(),
                              .selected = rows.empty() ? 0u : 1u,
                              .eps = std::bit_cast<uint32_t>(eps),
                              .pad = 0},
                     rows.empty() ? u32(static_cast<size_t>(n)) : u32(rows.size()));
}

void VulkanBackend::product(const DeviceActivations& in, size_t n, const ProductTo& to) {
  const DeviceMatrix& w = to.matrix;
  const uint32_t flags = (to.add ? 1u : 0u) | (to.bias != 0 ? 2u : 0u);
  if (w.is_float()) {
    const uint32_t kind = w.layout.codes == Codes::kF32 ? 0 : w.layout.codes == Codes::kF16 ? 1 : 2;
    const uint32_t at_once = rows_at_once(n);
    program_->dispatch({"product_float", {kind, at_once}},
                       FloatProductPush{w.memory.address(), in.at.floats, to.bias, to.out,
                                        u32(w.cols()), u32(w.rows()), u32(n), flags},
                       u32(w.panels()), u32((n + at_once - 1) / at_once), to.waits);
    return;
  }
  const ProductPush push{.panels = w.memory.address(),
                         .codes = in.at.codes,
                         .scales = in.at.scales,
                         .sums16 = in.at.sums16,
                         .bias = to.bias,
                         .out = to.out,
                         .table = table_of(w.layout),
                         .cols = u32(in.padded),
                         .panel_bytes = u32(w.panel_bytes),
                         .rows = u32(w.rows()),
                         .n = u32(n),
                         .offset = offset_of(w.layout),
                         .flags = flags};
  const size_t coded = n * in.codings();
  const bool dot = device_->int8_dot(), tiled = coded > kFewCoded;
  PipelineKey key{"",
                  {bits_of(w.layout.codes), scales_of(w.layout.scales),
                   w.layout.table != nullptr ? 1u : 0u, 0, in.codings()}};
  if (!tiled) {
    key.shader = dot ? "product_dot" : "product";
    key.constants[3] = rows_at_once(coded);
    const size_t at_once = key.constants[3] / in.codings();
    program_->dispatch(key, push, u32(w.panels()), u32((n + at_once - 1) / at_once), to.waits);
    return;
  }
  key.shader = dot ? "product_tiled_dot" : "product_tiled";
  key.constants[3] = u32(std::clamp<size_t>(std::bit_ceil(coded) / 8, 2, 8));
  const size_t tile = 8 * key.constants[3];
  program_->dispatch(key, push, u32((w.rows() + 63) / 64), u32((coded + tile - 1) / tile),
                     to.waits);
}

void VulkanBackend::linear(const Activations& in, int n, std::span<const Linear> products) {
  bool first = true;
  for (const Linear& one : products) {
    product(static_cast<const DeviceActivations&>(in), static_cast<size_t>(n),
            {static_cast<const DeviceMatrix&>(*one.weight), address(one.bias), address(one.out),
             false, first});
    wrote(*one.out, static_cast<size_t>(n));
    first = false;
  }
}

void VulkanBackend::linear_add(const Activations& in, int n, const Matrix& weight,
                               const Array* bias, Array& x) {
  product(static_cast<const DeviceActivations&>(in), static_cast<size_t>(n),
          {static_cast<const DeviceMatrix&>(weight), address(bias), address(&x), true, true});
  wrote(x, static_cast<size_t>(n));
}

void VulkanBackend::add(const Array& y, int n, Array& x) {
  program_->dispatch({"norm_add", {0}}, NormAddPush{address(&y), 0, address(&x), u32(y.cols()), 0},
                     u32(static_cast<size_t>(n)));
  wrote(x, static_cast<size_t>(n));
}

void VulkanBackend::norm_add(const Array& y, const Array& weight, float eps, int n, Array& x) {
  program_->dispatch({"norm_add", {1}},
                     NormAddPush{address(&y), address(&weight), address(&x), u32(y.cols()),
                                 std::bit_cast<uint32_t>(eps)},
                     u32(static_cast<size_t>(n)));
  wrote(x, static_cast<size_t>(n));
}

void VulkanBackend::gated(const Activations& in, int n, const Matrix& gate, const Matrix& up,
                          Activation activation, Activations& out) {
  const auto& from = static_cast<const DeviceActivations&>(in);
  const auto count = static_cast<size_t>(n);
  const uint64_t g = scratch_.address(), u = g + count * gate.rows() * sizeof(float);
  product(from, count, {static_cast<const DeviceMatrix&>(gate), 0, g, false, true});
  product(from, count, {static_cast<const DeviceMatrix&>(up), 0, u, false, false});
  finish_rows(g, u, activation == Activation::kSilu ? 1 : 2, count,
              static_cast<DeviceActivations&>(out));
}

/// Rows of floats become the inputs of a product.
void VulkanBackend::finish_rows(uint64_t a, uint64_t b, uint32_t gate, size_t n,
                                DeviceActivations& out) {
  constexpr size_t kMost = 65535, kAtOnce = 8;  // workgroups, and the groups of one
  const size_t groups = n * (out.padded / kGroupCols);
  program_->dispatch(
      {"finish", {gate}},
      FinishPush{a, b, out.at, u32(n), u32(out.cols()), u32(out.padded), out.flags()},
      u32(std::min(kMost, (groups + kAtOnce - 1) / kAtOnce)));
}

}  // namespace handmill::backend::vulkan
