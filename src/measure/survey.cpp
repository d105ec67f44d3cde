#include "measure/survey.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "measure/disk.h"
#include "measure/rates.h"
#include "tensor/format.h"

namespace handmill::measure {
namespace {

using tensor::Type;

constexpr std::array kFormats = {Type::kQ4_0, Type::kQ4_1, Type::kQ4_K, Type::kQ5_K,
                                 Type::kQ6_K, Type::kQ8_0, Type::kF16};
constexpr std::array kCaches = {backend::KvType::kF16, backend::KvType::kQ8_0};
constexpr int kReadRounds = 3;

std::string count_of_threads(int threads) {
  return fmt::format("{} thread{}", threads, threads == 1 ? "" : "s");
}

Figure measured(double value) { return {value, Source::kMeasured}; }
Figure reported(uint64_t value) {
  return value == 0 ? Figure{} : Figure{static_cast<double>(value), Source::kReported};
}

/// What no cache holds, but a part only of what is free.
size_t cold_bytes(const probe::Machine& system) {
  const size_t wanted = backend::roof_bytes(), free = system.memory.available_bytes;
  return free == 0 ? wanted : std::clamp<size_t>(free / 4, 1, wanted);
}

/// The measurements in their order. The roofs are asked again between them, to see whether the
/// machine is still the one that it was.
class Surveyor {
 public:
  Surveyor(Survey& survey, backend::Backend& backend, const base::Progress& progress)
      : survey_(survey), backend_(backend), progress_(progress) {}

  Status run(const std::string& disk_path) {
    const probe::LoadReading before = probe::read_load();
    HANDMILL_OK(roofs());
    HANDMILL_OK(reads());
    HANDMILL_OK(roofs());
    HANDMILL_OK(products());
    HANDMILL_OK(roofs());
    HANDMILL_OK(attention());
    HANDMILL_TRY(survey_.machine.layer_s, measure_layer(backend_));
    HANDMILL_TRY(survey_.machine.elements_s, measure_elements(backend_));
    HANDMILL_TRY(survey_.machine.pack_bytes_s, measure_packing(backend_));
    HANDMILL_OK(roofs());
    survey_.noise = judge(before, probe::read_load(), survey_.threads, read_roofs_, int8_roofs_);
    // A reader that waits is no noise; and it leaves the processor to others.
    disk(disk_path);
    devices();
    finish();
    return {};
  }

 private:
  void step() { progress_(++done_, kSteps); }
  Status roofs() {
    HANDMILL_TRY(const backend::Roofs now, backend_.measure_roofs());
    read_roofs_.push_back(now.read_bytes_s);
    int8_roofs_.push_back(now.int8_ops_s);
    step();
    return {};
  }
  Status reads() {
    const std::vector<int> counts = thread_counts(survey_.threads);
    HANDMILL_TRY(const auto rates, backend::measure_reads(counts, kReadRounds));
    for (size_t i = 0; i < counts.size(); ++i) survey_.reads.push_back({counts[i], rates[i]});
    step();
    HANDMILL_TRY(survey_.peaks, backend::measure_peaks(survey_.threads));
    step();
    return {};
  }
  Status products() {
    for (const Type type : kFormats) {
      HANDMILL_TRY(auto rate, measure_product(backend_, *tensor::find_format(type),
                                              cold_bytes(survey_.system), survey_.threads));
      survey_.machine.products.push_back(std::move(rate));
      step();
    }
    return {};
  }
  Status attention() {
    for (const backend::KvType type : kCaches) {
      Machine& machine = survey_.machine;
      for (auto [head_dim, rates] :
           {std::pair(128, &machine.attention), {64, &machine.attention_64}}) {
        HANDMILL_TRY(auto rate,
                     measure_attention(backend_, type, head_dim, cold_bytes(survey_.system)));
        rates->push_back(std::move(rate));
        step();
      }
    }
    return {};
  }
  void disk(const std::string& path) {
    survey_.disk.path = path;
    if (path.empty()) return;
    const auto rate = measure_disk(path);
    if (rate.ok())
      survey_.disk.bytes_s = measured(*rate);
    else
      survey_.disk.why_unknown = rate.error().message;
    step();
  }
  /// After the noise was judged: a driver that emulates a device computes on the processor.
  void devices() {
    const auto listed = backend::list_vulkan_devices();
    if (!listed.ok())
      survey_.why_no_devices = listed.error().message;
    else
      survey_.devices =
          survey_devices(*listed, survey_.gpus, [](const backend::VulkanDevice& device) {
            return backend::measure_vulkan_device(device);
          });
    step();
  }
  void finish() {
    double read = *std::ranges::max_element(read_roofs_);
    for (const ReadPoint& point : survey_.reads) read = std::max(read, point.bytes_s);
    Machine& machine = survey_.machine;
    machine.name = machine_name(survey_.system, survey_.threads);
    machine.engine = engine_name(survey_.system, survey_.threads);
    machine.memory_bytes = reported(survey_.system.memory.total_bytes);
    machine.read_bytes_s = measured(read);
    machine.ops_s = measured(*std::ranges::max_element(int8_roofs_));
    machine.disk_bytes_s = survey_.disk.bytes_s;
    machine.devices = rates_of(survey_.devices);
  }

  static constexpr uint64_t kSteps = 4 + 2 + kFormats.size() + 2 * kCaches.size() + 1 + 1;
  Survey& survey_;
  backend::Backend& backend_;
  const base::Progress& progress_;
  uint64_t done_ = 0;
  std::vector<double> read_roofs_, int8_roofs_;
};

}  // namespace

int knee(std::span<const ReadPoint> reads) {
  constexpr double kNear = 0.97;
  double best = 0;
  for (const ReadPoint& point : reads) best = std::max(best, point.bytes_s);
  int fewest = 0;
  for (const ReadPoint& point : reads)
    if (point.bytes_s >= kNear * best && (fewest == 0 || point.threads < fewest))
      fewest = point.threads;
  return fewest;
}

std::vector<int> thread_counts(int threads) {
  constexpr int kAll = 16;
  std::vector<int> counts;
  for (int count = 1; count <= std::min(threads, kAll); ++count) counts.push_back(count);
  for (int part = 1; part <= kAll; ++part)
    if (const int count = static_cast<int>(int64_t{threads} * part / kAll); count > counts.back())
      counts.push_back(count);
  return counts;
}

std::string machine_name(const probe::Machine& system, int threads) {
  return fmt::format("{}, {}", system.cpu_name, count_of_threads(threads));
}

std::string engine_name(const probe::Machine& system, int threads) {
  return fmt::format("{}, {}", probe::isa_name(system.isa), count_of_threads(threads));
}

Result<Survey> survey(int threads, const std::string& disk_path, const base::Progress& progress) {
  Survey survey;
  HANDMILL_TRY(survey.system, probe::read_machine());
  survey.limits = probe::read_cgroup_limits();
  survey.gpus = probe::read_gpus();
  survey.threads = threads;
  HANDMILL_TRY(const auto backend, backend::make_cpu_backend(threads));
  HANDMILL_OK(Surveyor(survey, *backend, progress).run(disk_path));
  return survey;
}

}  // namespace handmill::measure
