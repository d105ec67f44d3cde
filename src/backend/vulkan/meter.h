// What a device does at most, measured through a program that may have other work as well. One
// thread at a time uses a Meter.
#pragma once

#include <memory>

#include "backend/vulkan/device.h"
#include "backend/vulkan/program.h"

namespace handmill::backend::vulkan {

class Meter {
 public:
  /// Takes an eighth of what the heap has to give, and no more than `most` bytes; less where a
  /// driver does not give it. `program` is of `device` and outlives the meter.
  static Result<std::unique_ptr<Meter>> make(std::shared_ptr<Device> device, Program& program,
                                             size_t most);

  /// Each is the best of several rounds, which take `seconds` together, or one round that takes
  /// longer. Bytes and operations a second; a multiply-add is two operations.
  Result<double> read_rate(double seconds);
  Result<double> upload_rate(double seconds);
  Result<double> download_rate(double seconds);
  Result<double> int8_rate(double seconds);
  Result<double> f32_rate(double seconds);
  Result<double> f16_rate(double seconds);  // 0 where the device has none
  /// From handing over nearly nothing to its end; half of them take longer.
  Result<double> submit_seconds(double seconds);

 private:
  Meter(std::shared_ptr<Device> device, Program& program)
      : device_(std::move(device)), program_(program) {}
  Status make_buffers(size_t most);
  void copy(uint64_t from, uint64_t to, size_t bytes);
  void read(size_t bytes, uint32_t groups);
  Status finish();
  Result<double> seconds_to_finish();
  template <class Ask>
  Result<double> best_rate(double seconds, double work, uint32_t rounds_most, Ask ask);
  Result<double> chain_rate(const char* shader, double ops, double seconds);
  Result<double> copy_rate(const Buffer& from, const Buffer& to, double seconds);
  Status make_copied();

  std::shared_ptr<Device> device_;
  Program& program_;
  Buffer memory_, result_;
  Buffer upload_, readback_;  // from their first use on
};

}  // namespace handmill::backend::vulkan
