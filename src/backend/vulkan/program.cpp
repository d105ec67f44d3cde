#include "backend/vulkan/program.h"

#include <algorithm>

#include "base/checksum.h"
#include "base/error.h"

namespace handmill::backend::vulkan {

Result<std::unique_ptr<Program>> Program::make(std::shared_ptr<Device> device,
                                               const std::string& cache_folder) {
  auto program = std::unique_ptr<Program>(new Program(device));
  HANDMILL_TRY(program->pipelines_, Pipelines::make(device, cache_folder));
  HANDMILL_TRY(program->uploads_, device->make_buffer(kUploadBytes, Use::kUpload));
  VkCommandPoolCreateInfo pool{};
  pool.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
  pool.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
  pool.queueFamilyIndex = device->queue_family();
  const VkResult made = vkCreateCommandPool(device->handle(), &pool, nullptr, &program->pool_);
  if (made != VK_SUCCESS) return base::io("no command pool ({})", result_name(made));
  program->recorded_.reserve(kRecordings);
  device->on_free([program = program.get()] { program->finish(); });
  return program;
}

Program::~Program() {
  finish();
  device_->on_free({});
  if (pool_ != VK_NULL_HANDLE) vkDestroyCommandPool(device_->handle(), pool_, nullptr);
}

void Program::add(const PipelineKey& key, const void* push, size_t bytes, uint32_t x, uint32_t y,
                  bool waits) {
  if (x == 0 || y == 0) return;
  Step& step = steps_.emplace_back();
  step.pipeline = pipelines_->find(key);
  step.x = x;
  step.y = y;
  step.waits = waits ? 1 : 0;
  std::memcpy(step.push.data(), push, bytes);
}

uint64_t Program::upload(std::span<const uint8_t> bytes) {
  constexpr size_t kAlign = 64;
  const size_t needed = (bytes.size() + kAlign - 1) / kAlign * kAlign;
  assert(needed <= kUploadBytes);
  if (uploaded_ + needed > kUploadBytes) finish();
  std::ranges::copy(bytes, uploads_.mapped() + uploaded_);
  const uint64_t address = uploads_.address() + uploaded_;
  uploaded_ += needed;
  return address;
}

Program::Recording* Program::find_recording(uint64_t hash) {
  for (Recording& recording : recorded_)
    if (recording.hash == hash && recording.steps == steps_) return &recording;
  return nullptr;
}

Status Program::record(Recording& recording) {
  ++recordings_;
  if (recording.commands == VK_NULL_HANDLE) {
    VkCommandBufferAllocateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
    info.commandPool = pool_;
    info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    info.commandBufferCount = 1;
    const VkResult made = vkAllocateCommandBuffers(device_->handle(), &info, &recording.commands);
    if (made != VK_SUCCESS) return base::io("no command buffer ({})", result_name(made));
  } else if (recording.submission > 0) {
    HANDMILL_OK(device_->wait(recording.submission));
  }
  recording.steps = steps_;
  const VkCommandBuffer commands = recording.commands;
  VkCommandBufferBeginInfo begin{};
  begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  vkBeginCommandBuffer(commands, &begin);
  VkMemoryBarrier barrier{};
  barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  barrier.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT;
  constexpr VkPipelineStageFlags kShaders = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT;
  uint32_t bound = UINT32_MAX;
  bool first = true;
  for (const Step& step : steps_) {
    // The first one waits for the submission before this one.
    if (step.waits != 0 || first)
      vkCmdPipelineBarrier(commands, kShaders, kShaders, 0, 1, &barrier, 0, nullptr, 0, nullptr);
    first = false;
    if (step.pipeline != bound)
      vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipelines_->at(step.pipeline));
    bound = step.pipeline;
    vkCmdPushConstants(commands, pipelines_->layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0, kPushBytes,
                       step.push.data());
    vkCmdDispatch(commands, step.x, step.y, 1);
  }
  barrier.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
  vkCmdPipelineBarrier(commands, kShaders, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, nullptr,
                       0, nullptr);
  const VkResult ended = vkEndCommandBuffer(commands);
  if (ended != VK_SUCCESS) return base::io("nothing was recorded ({})", result_name(ended));
  return {};
}

Status Program::put() {
  HANDMILL_OK(pipelines_->make_all());
  const uint64_t hash = base::checksum(
      {reinterpret_cast<const uint8_t*>(steps_.data()), steps_.size() * sizeof(Step)}, 0);
  Recording* recording = find_recording(hash);
  if (recording == nullptr) {
    if (recorded_.size() < kRecordings) {
      recording = &recorded_.emplace_back();
    } else {
      recording = &*std::ranges::min_element(recorded_, {}, &Recording::submission);
    }
    recording->hash = hash;
    HANDMILL_OK(record(*recording));
  } else if (recording->submission > 0) {
    HANDMILL_OK(device_->wait(recording->submission));
  }
  HANDMILL_TRY(recording->submission, device_->submit(recording->commands));
  return {};
}

uint64_t Program::start() {
  if (fault_.ok() && !steps_.empty()) fault_ = put();
  steps_.clear();
  return device_->submitted();
}

void Program::wait(uint64_t submission) {
  if (!fault_.ok() || submission <= awaited_) return;
  fault_ = device_->wait(submission);
  awaited_ = submission;
  if (fault_.ok() && !device_->complaints().empty())
    fault_ = base::io("the validation layer says: {}", device_->complaints());
}

void Program::finish() {
  wait(start());
  uploaded_ = 0;
  ++age_;
}

}  // namespace handmill::backend::vulkan
