#include "backend/vulkan/pipelines.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "backend/vulkan/shaders.h"
#include "base/checksum.h"
#include "base/error.h"

namespace handmill::backend::vulkan {
namespace {

namespace fs = std::filesystem;

const Shader* find_shader(std::string_view name) {
  for (const Shader& shader : shaders())
    if (shader.name == name) return &shader;
  return nullptr;
}

}  // namespace

Result<std::unique_ptr<Pipelines>> Pipelines::make(std::shared_ptr<Device> device,
                                                   const std::string& folder) {
  auto pipelines = std::unique_ptr<Pipelines>(new Pipelines(std::move(device)));
  const VkPhysicalDeviceProperties& properties = pipelines->device_->properties();
  if (!folder.empty())
    pipelines->file_ = fmt::format("{}/pipelines-{:04x}-{:04x}-{:x}", folder, properties.vendorID,
                                   properties.deviceID, properties.driverVersion);
  const std::vector<uint8_t> bytes = pipelines->kept();
  VkPipelineCacheCreateInfo cache{};
  cache.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO;
  cache.initialDataSize = bytes.size();
  cache.pInitialData = bytes.data();
  const VkDevice handle = pipelines->device_->handle();
  VkResult made = vkCreatePipelineCache(handle, &cache, nullptr, &pipelines->cache_);
  VkPushConstantRange range{
      .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .offset = 0, .size = kPushBytes};
  VkPipelineLayoutCreateInfo layout{};
  layout.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
  layout.pushConstantRangeCount = 1;
  layout.pPushConstantRanges = &range;
  if (made == VK_SUCCESS)
    made = vkCreatePipelineLayout(handle, &layout, nullptr, &pipelines->layout_);
  if (made != VK_SUCCESS) return base::io("no pipelines can be made ({})", result_name(made));
  return pipelines;
}

uint32_t Pipelines::find(const PipelineKey& key) {
  const auto [at, added] = indices_.try_emplace(key, static_cast<uint32_t>(made_.size()));
  if (added) made_.push_back({key, VK_NULL_HANDLE});
  return at->second;
}

VkResult Pipelines::compile(Made& made) const {
  const Shader* shader = find_shader(made.key.shader);
  if (shader == nullptr) return VK_ERROR_INVALID_SHADER_NV;
  VkShaderModuleCreateInfo code{};
  code.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO;
  code.codeSize = shader->code.size_bytes();
  code.pCode = shader->code.data();
  VkShaderModule module = VK_NULL_HANDLE;
  VkResult result = vkCreateShaderModule(device_->handle(), &code, nullptr, &module);
  if (result != VK_SUCCESS) return result;
  std::array<VkSpecializationMapEntry, std::tuple_size_v<decltype(PipelineKey::constants)>> entries;
  for (uint32_t i = 0; i < entries.size(); ++i)
    entries[i] = {.constantID = i, .offset = 4 * i, .size = 4};
  VkSpecializationInfo constants{};
  constants.mapEntryCount = static_cast<uint32_t>(entries.size());
  constants.pMapEntries = entries.data();
  constants.dataSize = sizeof made.key.constants;
  constants.pData = made.key.constants.data();
  VkComputePipelineCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module;
  info.stage.pName = "main";
  info.stage.pSpecializationInfo = &constants;
  info.layout = layout_;
  result = vkCreateComputePipelines(device_->handle(), cache_, 1, &info, nullptr, &made.pipeline);
  vkDestroyShaderModule(device_->handle(), module, nullptr);
  return result;
}

Status Pipelines::make_all() {
  const size_t first = compiled_, count = made_.size() - first;
  if (count == 0) return {};
  grown_ = true;
  std::atomic<size_t> next = first;
  std::atomic<int> failed = VK_SUCCESS;
  auto work = [&] {
    for (size_t i; (i = next.fetch_add(1)) < made_.size();)
      if (const VkResult result = compile(made_[i]); result != VK_SUCCESS) failed = result;
  };
  {
    std::vector<std::jthread> others;
    const size_t cores = std::max(1u, std::thread::hardware_concurrency());
    for (size_t i = 1; i < std::min(cores, count); ++i) others.emplace_back(work);
    work();
  }
  compiled_ = made_.size();
  if (failed != VK_SUCCESS)
    return base::io("{}: a shader cannot be compiled ({})", device_->facts().name,
                    result_name(static_cast<VkResult>(failed.load())));
  return {};
}

/// The file is a checksum and the driver's bytes: a driver need not survive bytes that it did not
/// write.
std::vector<uint8_t> Pipelines::kept() const {
  constexpr size_t kLargest = size_t{64} << 20;
  std::error_code error;
  const uint64_t size = file_.empty() ? 0 : fs::file_size(file_, error);
  if (error || size <= sizeof(uint64_t) || size > kLargest) return {};
  std::ifstream in(file_, std::ios::binary);
  uint64_t sum = 0;
  std::vector<uint8_t> bytes(size - sizeof sum);
  in.read(reinterpret_cast<char*>(&sum), sizeof sum);
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!in || base::checksum(bytes, 0) != sum) return {};
  return bytes;
}

/// What cannot be kept is compiled again: no failure is worth a word.
void Pipelines::keep() const {
  size_t size = 0;
  if (vkGetPipelineCacheData(device_->handle(), cache_, &size, nullptr) != VK_SUCCESS) return;
  std::vector<uint8_t> bytes(size);
  if (vkGetPipelineCacheData(device_->handle(), cache_, &size, bytes.data()) != VK_SUCCESS) return;
  bytes.resize(size);
  std::error_code error;
  fs::create_directories(fs::path(file_).parent_path(), error);
  const std::string part = fmt::format("{}.{}.part", file_, static_cast<const void*>(this));
  const uint64_t sum = base::checksum(bytes, 0);
  std::ofstream out(part, std::ios::binary);
  out.write(reinterpret_cast<const char*>(&sum), sizeof sum);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(size));
  out.close();
  if (out) fs::rename(part, file_, error);
  if (!out || error) fs::remove(part, error);
}

Pipelines::~Pipelines() {
  if (grown_ && !file_.empty()) keep();
  const VkDevice handle = device_->handle();
  for (const Made& made : made_)
    if (made.pipeline != VK_NULL_HANDLE) vkDestroyPipeline(handle, made.pipeline, nullptr);
  if (layout_ != VK_NULL_HANDLE) vkDestroyPipelineLayout(handle, layout_, nullptr);
  if (cache_ != VK_NULL_HANDLE) vkDestroyPipelineCache(handle, cache_, nullptr);
}

}  // namespace handmill::backend::vulkan
