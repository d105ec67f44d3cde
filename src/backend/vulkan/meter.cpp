// Shaders of their own, peak_*.comp, keep the memory and the arithmetic units busy.
#include "backend/vulkan/meter.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/seconds_of.h"

namespace handmill::backend::vulkan {
namespace {

constexpr size_t kPart = size_t{128} * 8 * 16;  // of shaders/peak_read.comp
constexpr uint32_t kGroups = 4096;              // more than a device runs at once
constexpr double kGroupSize = 128, kChains = 8;
constexpr double kLong = 0.01;  // seconds, beside which a submission is nothing
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

}  // namespace

Result<std::unique_ptr<Meter>> Meter::make(std::shared_ptr<Device> device, Program& program,
                                           size_t most) {
  auto meter = std::unique_ptr<Meter>(new Meter(std::move(device), program));
  HANDMILL_OK(meter->make_buffers(most));
  return meter;
}

/// A driver's budget is a hope: less is tried where so much is not given.
Status Meter::make_buffers(size_t most) {
  constexpr size_t kLeast = size_t{1} << 20;
  const VulkanDevice& facts = device_->facts();
  size_t bytes = std::min<uint64_t>({most, facts.heap().budget_bytes / 8, facts.buffer_max});
  for (bytes = std::max(bytes, kLeast);; bytes /= 2) {
    bytes -= bytes % kPart;
    auto memory = device_->make_buffer(bytes, Use::kDevice);
    if (memory.ok()) {
      memory_ = std::move(*memory);
      break;
    }
    if (bytes / 2 < kLeast) return memory.error();
  }
  HANDMILL_TRY(result_, device_->make_buffer(sizeof(uint32_t), Use::kDevice));
  // Pages that nobody wrote may be one and the same page of zeros.
  constexpr size_t kCopied = size_t{1} << 20;
  const std::vector<uint8_t> ones(std::min(kCopied, bytes), 1);
  const uint64_t from = program_.upload(ones);
  for (size_t at = 0; at < bytes; at += ones.size())
    copy(from, memory_.address() + at, std::min(ones.size(), bytes - at));
  return finish();
}

Status Meter::make_copied() {
  if (upload_.bytes() > 0) return {};
  constexpr size_t kCopied = size_t{64} << 20;
  const size_t copied = std::min(kCopied, memory_.bytes());
  HANDMILL_TRY(readback_, device_->make_buffer(copied, Use::kReadback));
  HANDMILL_TRY(upload_, device_->make_buffer(copied, Use::kUpload));
  std::memset(upload_.mapped(), 1, upload_.bytes());
  return {};
}

void Meter::copy(uint64_t from, uint64_t to, size_t bytes) {
  program_.dispatch({"copy"}, CopyPush{from, to, static_cast<uint32_t>(bytes / 4)}, kGroups);
}

void Meter::read(size_t bytes, uint32_t groups) {
  const auto parts = static_cast<uint32_t>(bytes / kPart);
  const ReadPush push{memory_.address(), result_.address(), parts};
  program_.dispatch({"peak_read"}, push, groups, 1, false);
}

Status Meter::finish() {
  program_.finish();
  return program_.fault();
}

Result<double> Meter::seconds_to_finish() {
  Status done;
  const double seconds = base::seconds_of([&] { done = finish(); });
  HANDMILL_OK(done);
  return seconds;
}

/// Operations or bytes a second, of `work` ones for each of the rounds that `ask` asks for.
template <class Ask>
Result<double> Meter::best_rate(double seconds, double work, uint32_t rounds_most, Ask ask) {
  double best = 0, spent = 0;
  uint32_t rounds = 1;
  ask(rounds);  // the first time compiles
  HANDMILL_OK(finish());
  for (int measured = 0; measured < kBest && spent < seconds;) {
    ask(rounds);
    HANDMILL_TRY(const double own, seconds_to_finish());
    spent += own;
    best = std::max(best, work * rounds / own);
    if (own < kLong && rounds < rounds_most)
      rounds *= own < kLong / 8 ? 8 : 2;
    else
      ++measured;
  }
  return best;
}

Result<double> Meter::chain_rate(const char* shader, double ops, double seconds) {
  return best_rate(seconds, ops * kGroups * kGroupSize, kTurnsMost, [&](uint32_t rounds) {
    const ChainPush push{result_.address(), rounds, {0.999F, 0.001F}};
    program_.dispatch({shader}, push, kGroups);
  });
}

Result<double> Meter::int8_rate(double seconds) {
  constexpr double kDot = kChains * 4 * 2;
  return best_rate(seconds, kDot * kGroups * kGroupSize, kTurnsMost, [&](uint32_t rounds) {
    const DotPush push{result_.address(), rounds, 0x01ff02fe};
    program_.dispatch({device_->int8_dot() ? "peak_int8_dot" : "peak_int8"}, push, kGroups);
  });
}

Result<double> Meter::f32_rate(double seconds) {
  return chain_rate("peak_f32", kChains * 2, seconds);
}

Result<double> Meter::f16_rate(double seconds) {
  if (!device_->facts().float16) return 0.0;
  return chain_rate("peak_f16", kChains * 2 * 2, seconds);
}

Result<double> Meter::read_rate(double seconds) {
  return best_rate(seconds, static_cast<double>(memory_.bytes()), kStepsMost, [&](uint32_t rounds) {
    for (uint32_t i = 0; i < rounds; ++i) read(memory_.bytes(), kGroups);
  });
}

Result<double> Meter::copy_rate(const Buffer& from, const Buffer& to, double seconds) {
  const size_t bytes = std::min(from.bytes(), to.bytes());
  return best_rate(seconds, static_cast<double>(bytes), kStepsMost, [&](uint32_t rounds) {
    for (uint32_t i = 0; i < rounds; ++i) copy(from.address(), to.address(), bytes);
  });
}

Result<double> Meter::upload_rate(double seconds) {
  HANDMILL_OK(make_copied());
  return copy_rate(upload_, memory_, seconds);
}

Result<double> Meter::download_rate(double seconds) {
  HANDMILL_OK(make_copied());
  return copy_rate(memory_, readback_, seconds);
}

Result<double> Meter::submit_seconds(double enough) {
  std::vector<double> seconds;
  double spent = 0;
  for (constexpr size_t kMost = 200; seconds.size() < kMost && spent < enough;) {
    read(0, 1);
    HANDMILL_TRY(seconds.emplace_back(), seconds_to_finish());
    spent += seconds.back();
  }
  const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
  std::ranges::nth_element(seconds, middle);
  return *middle;
}

}  // namespace handmill::backend::vulkan
