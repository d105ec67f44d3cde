// Compute pipelines, made when they are first wanted and kept in a file between runs. Serves the
// program.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backend/vulkan/device.h"

namespace handmill::backend::vulkan {

/// Push constants that every device has room for.
inline constexpr size_t kPushBytes = 128;

/// A shader with its specialization constants 0, 1, …, unused ones zero.
struct PipelineKey {
  const char* shader = "";  // name of the file; a literal
  std::array<uint32_t, 6> constants{};
  auto operator<=>(const PipelineKey&) const = default;
};

class Pipelines {
 public:
  /// `folder` may be empty; a kept file that does not fit this device and driver is not used.
  static Result<std::unique_ptr<Pipelines>> make(std::shared_ptr<Device> device,
                                                 const std::string& folder);
  ~Pipelines();
  Pipelines(const Pipelines&) = delete;
  Pipelines& operator=(const Pipelines&) = delete;

  /// An index for make_all() and at(). Nothing is compiled yet.
  uint32_t find(const PipelineKey& key);
  /// Compiles what find() has named since, side by side on the machine's cores.
  Status make_all();
  VkPipeline at(uint32_t index) const { return made_[index].pipeline; }
  VkPipelineLayout layout() const { return layout_; }

 private:
  struct Made {
    PipelineKey key;
    VkPipeline pipeline = VK_NULL_HANDLE;
  };
  explicit Pipelines(std::shared_ptr<Device> device) : device_(std::move(device)) {}
  VkResult compile(Made& made) const;
  std::vector<uint8_t> kept() const;
  void keep() const;

  std::shared_ptr<Device> device_;
  std::string file_;  // empty: none
  VkPipelineCache cache_ = VK_NULL_HANDLE;
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  std::map<PipelineKey, uint32_t> indices_;
  std::vector<Made> made_;
  size_t compiled_ = 0;  // of made_, from the front
  bool grown_ = false;   // since the file was read
};

}  // namespace handmill::backend::vulkan
