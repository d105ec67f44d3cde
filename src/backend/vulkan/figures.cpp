// What a device does at most: its own memory, its arithmetic, the way to the processor's memory and
// back, and a submission. Each is asked for a tenth of a second at most, the best of several.
#include <algorithm>
#include <array>
#include <cstring>

#include "backend/vulkan/program.h"
#include "backend/vulkan/vulkan.h"
#include "base/error.h"
#include "base/seconds_of.h"

namespace handmill::backend {
namespace vulkan {
namespace {

constexpr size_t kPart = size_t{128} * 8 * 16;  // of shaders/peak_read.comp
constexpr uint32_t kGroups = 4096;              // more than a device runs at once
constexpr double kGroupSize = 128, kChains = 8;
constexpr double kLong = 0.01;  // seconds, beside which a submission is nothing
constexpr double kEnough = 0.1;
constexpr uint32_t kTurnsMost = 1 << 24, kStepsMost = 1 << 10;  // in a shader, of a submission
constexpr int kBest = 5;  // rounds of which the best counts, if there is time

struct ReadPush {
  uint64_t from, to;
  uint32_t parts, unused = 0;
};
struct CopyPush {
  uint64_t from, to;
  uint32_t words, unused = 0;
};
struct ChainPush {
  uint64_t to;
  uint32_t rounds;
  std::array<float, 2> factors;
  uint32_t unused = 0;
};
struct DotPush {
  uint64_t to;
  uint32_t rounds, factor;
};

class FigureBench {
 public:
  static Result<std::unique_ptr<FigureBench>> make(const VulkanDevice& facts, bool validate) {
    auto bench = std::unique_ptr<FigureBench>(new FigureBench);
    VulkanOptions options;
    options.validate = validate;
    HANDMILL_TRY(bench->device_, Device::open(facts, options));
    HANDMILL_TRY(bench->program_, Program::make(bench->device_, ""));
    HANDMILL_OK(bench->make_buffers());
    return bench;
  }

  Result<DeviceFigures> measure() {
    DeviceFigures figures;
    const bool dot = device_->int8_dot();
    HANDMILL_TRY(figures.submit_s, submit_seconds());
    HANDMILL_TRY(figures.read_bytes_s, read_rate());
    HANDMILL_TRY(figures.upload_bytes_s, copy_rate(upload_, memory_));
    HANDMILL_TRY(figures.download_bytes_s, copy_rate(memory_, readback_));
    constexpr double kDot = kChains * 4 * 2, kFma = kChains * 2, kFma2 = kChains * 2 * 2;
    HANDMILL_TRY(figures.int8_ops_s,
                 best_rate(kDot * kGroups * kGroupSize, kTurnsMost, [&](uint32_t rounds) {
                   const DotPush push{result_.address(), rounds, 0x01ff02fe};
                   program_->dispatch({dot ? "peak_int8_dot" : "peak_int8"}, push, kGroups);
                 }));
    HANDMILL_TRY(figures.f32_ops_s, chain_rate("peak_f32", kFma));
    if (!device_->facts().float16) return figures;
    HANDMILL_TRY(figures.f16_ops_s, chain_rate("peak_f16", kFma2));
    return figures;
  }

 private:
  FigureBench() = default;

  /// A driver's budget is a hope: less is tried where so much is not given.
  Status make_buffers() {
    constexpr size_t kMost = size_t{1} << 30, kLeast = size_t{1} << 20;
    const VulkanDevice& facts = device_->facts();
    size_t bytes = std::min<uint64_t>({kMost, facts.heap().budget_bytes / 8, facts.buffer_max});
    for (bytes = std::max(bytes, kLeast);; bytes /= 2) {
      bytes -= bytes % kPart;
      auto memory = device_->make_buffer(bytes, Use::kDevice);
      if (memory.ok()) {
        memory_ = std::move(*memory);
        break;
      }
      if (bytes / 2 < kLeast) return memory.error();
    }
    constexpr size_t kCopied = size_t{64} << 20;
    const size_t copied = std::min(kCopied, bytes);
    HANDMILL_TRY(upload_, device_->make_buffer(copied, Use::kUpload));
    HANDMILL_TRY(readback_, device_->make_buffer(copied, Use::kReadback));
    HANDMILL_TRY(result_, device_->make_buffer(sizeof(uint32_t), Use::kDevice));
    std::memset(upload_.mapped(), 1, upload_.bytes());
    // Pages that nobody wrote may be one and the same page of zeros.
    for (size_t at = 0; at < memory_.bytes(); at += upload_.bytes())
      copy(upload_.address(), memory_.address() + at,
           std::min(upload_.bytes(), memory_.bytes() - at));
    return finish();
  }

  void copy(uint64_t from, uint64_t to, size_t bytes) {
    program_->dispatch({"copy"}, CopyPush{from, to, static_cast<uint32_t>(bytes / 4)}, kGroups);
  }
  void read(size_t bytes, uint32_t groups) {
    const auto parts = static_cast<uint32_t>(bytes / kPart);
    const ReadPush push{memory_.address(), result_.address(), parts};
    program_->dispatch({"peak_read"}, push, groups, 1, false);
  }
  Status finish() {
    program_->finish();
    return program_->fault();
  }
  Result<double> seconds_to_finish() {
    Status done;
    const double seconds = base::seconds_of([&] { done = finish(); });
    HANDMILL_OK(done);
    return seconds;
  }

  /// Operations or bytes a second, of `work` ones for each of the rounds that `ask` asks for.
  template <class Ask>
  Result<double> best_rate(double work, uint32_t rounds_most, Ask ask) {
    double best = 0, spent = 0;
    uint32_t rounds = 1;
    ask(rounds);  // the first time compiles
    HANDMILL_OK(finish());
    for (int measured = 0; measured < kBest && spent < kEnough;) {
      ask(rounds);
      HANDMILL_TRY(const double seconds, seconds_to_finish());
      spent += seconds;
      best = std::max(best, work * rounds / seconds);
      if (seconds < kLong && rounds < rounds_most)
        rounds *= seconds < kLong / 8 ? 8 : 2;
      else
        ++measured;
    }
    return best;
  }

  Result<double> chain_rate(const char* shader, double ops) {
    return best_rate(ops * kGroups * kGroupSize, kTurnsMost, [&](uint32_t rounds) {
      const ChainPush push{result_.address(), rounds, {0.999F, 0.001F}};
      program_->dispatch({shader}, push, kGroups);
    });
  }
  Result<double> read_rate() {
    return best_rate(static_cast<double>(memory_.bytes()), kStepsMost, [&](uint32_t rounds) {
      for (uint32_t i = 0; i < rounds; ++i) read(memory_.bytes(), kGroups);
    });
  }
  Result<double> copy_rate(const Buffer& from, const Buffer& to) {
    const size_t bytes = std::min(from.bytes(), to.bytes());
    return best_rate(static_cast<double>(bytes), kStepsMost, [&](uint32_t rounds) {
      for (uint32_t i = 0; i < rounds; ++i) copy(from.address(), to.address(), bytes);
    });
  }
  /// Half of them take longer.
  Result<double> submit_seconds() {
    std::vector<double> seconds;
    double spent = 0;
    for (constexpr size_t kMost = 200; seconds.size() < kMost && spent < kEnough;) {
      read(0, 1);
      HANDMILL_TRY(seconds.emplace_back(), seconds_to_finish());
      spent += seconds.back();
    }
    const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
    std::ranges::nth_element(seconds, middle);
    return *middle;
  }

  std::shared_ptr<Device> device_;
  std::unique_ptr<Program> program_;
  Buffer memory_, upload_, readback_, result_;
};

}  // namespace
}  // namespace vulkan

Result<DeviceFigures> measure_vulkan_device(const VulkanDevice& device, bool validate) {
  HANDMILL_TRY(const auto bench, vulkan::FigureBench::make(device, validate));
  return bench->measure();
}

}  // namespace handmill::backend
