// The compiled shaders that the program carries. Serves the pipelines.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace handmill::backend::vulkan {

struct Shader {
  std::string_view name;           // of its file, with _dot where it uses the int8 dot product
  std::span<const uint32_t> code;  // SPIR-V
};
/// In no order that means anything.
std::span<const Shader> shaders();

}  // namespace handmill::backend::vulkan
