// The device that tests run on: whatever Vulkan offers first, a processor's emulation too.
#pragma once

#include <cstdlib>
#include <gtest/gtest.h>
#include <memory>

#include "backend/vulkan/vulkan.h"

namespace handmill::backend::test {

/// Null where there is none, which fails the test if HANDMILL_REQUIRE_VULKAN is set.
inline std::unique_ptr<Backend> vulkan_backend(VulkanOptions options = {}) {
  const auto devices = list_vulkan_devices();
  options.validate = std::getenv("HANDMILL_REQUIRE_VULKAN") != nullptr;
  if (devices.ok())
    for (const VulkanDevice& device : *devices)
      if (device.missing.empty()) {
        auto made = make_vulkan_backend(device, options);
        EXPECT_TRUE(made.ok()) << made.error().message;
        return made.ok() ? std::move(*made) : nullptr;
      }
  EXPECT_EQ(std::getenv("HANDMILL_REQUIRE_VULKAN"), nullptr) << "there is no Vulkan device";
  return nullptr;
}

}  // namespace handmill::backend::test
