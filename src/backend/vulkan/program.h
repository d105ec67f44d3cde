// What is to be done on the device, as a list of steps that is recorded once: a list that equals
// one of the last ones is replayed, so that a steady decode step costs one submission and records
// nothing. Data that differ from step to step travel through upload memory at equal places.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "backend/vulkan/device.h"
#include "backend/vulkan/pipelines.h"

namespace handmill::backend::vulkan {

class Program {
 public:
  /// Upload memory for one submission and those that follow it unawaited.
  static constexpr size_t kUploadBytes = size_t{32} << 20;

  static Result<std::unique_ptr<Program>> make(std::shared_ptr<Device> device,
                                               const std::string& cache_folder);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// One dispatch. `push` is a struct of at most kPushBytes without padding. It sees what steps
  /// before it wrote, except those from the last one that waited on, if it does not wait.
  template <class Push>
  void dispatch(const PipelineKey& key, const Push& push, uint32_t x, uint32_t y = 1,
                bool waits = true) {
    static_assert(sizeof push <= kPushBytes && std::is_trivially_copyable_v<Push>);
    add(key, &push, sizeof push, x, y, waits);
  }
  /// Takes a copy that steps of this submission can read, and returns its address. A copy that has
  /// no room waits for the device first. At most kUploadBytes.
  uint64_t upload(std::span<const uint8_t> bytes);
  /// Rises whenever earlier uploads may be overwritten.
  uint64_t upload_age() const { return age_; }

  /// Puts the steps so far in the queue. Returns what wait() takes.
  uint64_t start();
  /// Until what was put there up to then has ended.
  void wait(uint64_t submission);
  /// start(), then until all is done.
  void finish();
  /// After the first failure nothing is done any more.
  const Status& fault() const { return fault_; }
  uint64_t recordings() const { return recordings_; }  // since the start

 private:
  struct Step {
    uint32_t pipeline;
    uint32_t x, y;
    uint32_t waits;
    std::array<uint8_t, kPushBytes> push;
    bool operator==(const Step&) const = default;
  };
  struct Recording {
    uint64_t hash = 0;
    std::vector<Step> steps;
    VkCommandBuffer commands = VK_NULL_HANDLE;
    uint64_t submission = 0;  // its last one
  };
  static constexpr size_t kRecordings = 512;  // a step of a model with shared layers is two a layer

  explicit Program(std::shared_ptr<Device> device) : device_(std::move(device)) {}
  void add(const PipelineKey& key, const void* push, size_t bytes, uint32_t x, uint32_t y,
           bool waits);
  Recording* find_recording(uint64_t hash);
  Status record(Recording& recording);
  Status put();

  std::shared_ptr<Device> device_;
  std::unique_ptr<Pipelines> pipelines_;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  Buffer uploads_;
  size_t uploaded_ = 0;
  uint64_t age_ = 0;
  uint64_t awaited_ = 0;  // submissions that have ended
  std::vector<Step> steps_;
  std::vector<Recording> recorded_;
  uint64_t recordings_ = 0;
  Status fault_;
};

}  // namespace handmill::backend::vulkan
