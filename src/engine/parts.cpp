// Bounds first, then memory: whatever does not fit is an error before it is read.
#include "engine/parts.h"

#include <algorithm>
#include <spdlog/spdlog.h>

#include "backend/cpu/cpu.h"
#include "backend/split/split.h"
#include "base/error.h"
#include "engine/context.h"
#include "engine/gpu_needs.h"
#include "engine/gpu_plan.h"
#include "kv/cache.h"
#include "model/panels.h"
#include "probe/machine.h"

namespace handmill::engine {
namespace {

constexpr int kThreadsMax = 1024;
constexpr int kContextMax = 1 << 26;
constexpr int kPrefillChunkMax = 1 << 14;
constexpr int kSequencesMax = 1024;
constexpr int kGpuLayersMax = 1 << 16;
constexpr int kOutputsMin = 16;  // rows whose logits score() computes at once, or speculation fills

Status in_range(const char* name, int value, int min, int max) {
  if (value >= min && value <= max) return {};
  return base::invalid("{} is {}; it must be {} to {}", name, value, min, max);
}

Status validate(const Options& options) {
  HANDMILL_OK(in_range("threads", options.threads, 0, kThreadsMax));
  HANDMILL_OK(in_range("context", options.context, 0, kContextMax));
  HANDMILL_OK(in_range("prefill_chunk", options.prefill_chunk, 1, kPrefillChunkMax));
  HANDMILL_OK(in_range("gpu.layers", options.gpu.layers, -1, kGpuLayersMax));
  return in_range("max_sequences", options.max_sequences, 1, kSequencesMax);
}

/// Mapped weights count as memory that the system could take back, but every token reads them.
uint64_t free_bytes(uint64_t mapped_bytes) {
  const uint64_t available = probe::read_memory("").available_bytes;
  return available == 0 ? 0 : std::max<uint64_t>(available, mapped_bytes + 1) - mapped_bytes;
}

/// One model's parts, made as often as it takes.
class Maker {
 public:
  static Result<Maker> make(std::shared_ptr<const gguf::File> file, const Options& options,
                            const base::Progress& progress);

  const std::string& path() const { return file_->path(); }
  Result<Parts> on_cpu() const;
  /// On the device, with less of it from plan to plan; nothing, where it holds nothing of the
  /// model.
  Result<std::optional<Parts>> on_gpu(const GpuDevice& device) const;

 private:
  /// The cache, as far as the processor's memory is asked for it.
  struct Cache {
    int context_most;
    std::optional<uint64_t> block_bytes;  // nothing: all that a block has
  };

  Maker(std::shared_ptr<const gguf::File> file, const Options& options,
        const base::Progress& progress)
      : file_(std::move(file)), options_(options), progress_(progress) {}

  Result<std::unique_ptr<backend::Backend>> placed(const GpuDevice& device,
                                                   const GpuPlan& plan) const;
  Result<Parts> planned(const GpuDevice& device, const GpuPlan& plan, int context) const;
  Result<Parts> load(std::unique_ptr<backend::Backend> backend, const Cache& cache) const;

  std::shared_ptr<const gguf::File> file_;
  const Options& options_;
  const base::Progress& progress_;
  model::Config config_;
  std::shared_ptr<const text::Tokenizer> tokenizer_;
  uint64_t memory_bytes_ = 0;
  int threads_ = 0;
};

Result<Maker> Maker::make(std::shared_ptr<const gguf::File> file, const Options& options,
                          const base::Progress& progress) {
  HANDMILL_TRY(const probe::Machine machine, probe::read_machine());
  Maker maker(std::move(file), options, progress);
  maker.memory_bytes_ = machine.memory.total_bytes;
  maker.threads_ = options.threads > 0 ? options.threads : machine.threads_best();
  HANDMILL_TRY(maker.config_, model::read_config(*maker.file_));
  HANDMILL_TRY(maker.tokenizer_, text::Tokenizer::load(*maker.file_));
  if (maker.tokenizer_->vocab_size() > maker.config_.vocab)
    return base::invalid("{}: the tokenizer has {} tokens, token_embd.weight only {} rows",
                         maker.path(), maker.tokenizer_->vocab_size(), maker.config_.vocab);
  return maker;
}

Result<Parts> Maker::on_cpu() const {
  HANDMILL_OK(check_weights(*file_, memory_bytes_));
  HANDMILL_TRY(auto backend, backend::make_cpu_backend(threads_));
  return load(std::move(backend), {config_.context, {}});
}

Result<Parts> Maker::load(std::unique_ptr<backend::Backend> backend, const Cache& cache) const {
  Parts parts;
  parts.file = file_;
  parts.config = config_;
  parts.threads = threads_;
  parts.tokenizer = tokenizer_;
  parts.prefill_chunk = options_.prefill_chunk;
  parts.max_sequences = options_.max_sequences;
  parts.speculate = options_.speculate;
  parts.max_outputs = std::max(kOutputsMin, options_.max_sequences);
  parts.backend = std::move(backend);
  HANDMILL_TRY(
      parts.model,
      model::Model::load(*file_, *parts.backend, parts.prefill_chunk, parts.max_outputs, progress_,
                         model::find_panels(*file_, *parts.backend, options_.panels_folder)));
  const backend::KvShape shape = parts.model->kv_shape(options_.kv);
  uint64_t block_bytes = cache.block_bytes.value_or(parts.backend->kv_block_bytes(shape));
  uint64_t mapped_bytes = parts.model->mapped_bytes();
  if (options_.draft && options_.speculate != Speculate::kOff) {
    HANDMILL_OK(check_weights(*options_.draft, memory_bytes_));
    HANDMILL_TRY(
        parts.draft,
        Draft::load(options_.draft, *parts.backend, options_, *parts.model, *parts.tokenizer,
                    {parts.prefill_chunk, parts.max_sequences, parts.max_outputs}));
    if (block_bytes > 0) block_bytes += parts.draft->block_bytes();
    mapped_bytes += parts.draft->mapped_bytes();
  }
  HANDMILL_TRY(parts.context, plan_context(options_.context, cache.context_most, block_bytes,
                                           free_bytes(mapped_bytes)));
  const int blocks = kv::blocks_for(parts.context);
  HANDMILL_TRY(parts.store, parts.backend->kv_store(shape, blocks));
  if (parts.draft) HANDMILL_OK(parts.draft->make_cache(blocks));
  return parts;
}

/// All of it on the device is the device's own affair.
Result<std::unique_ptr<backend::Backend>> Maker::placed(const GpuDevice& device,
                                                        const GpuPlan& plan) const {
  HANDMILL_TRY(auto gpu, device.make(options_.gpu.memory_bytes, threads_));
  if (plan.is_whole()) return gpu;
  HANDMILL_TRY(auto cpu, backend::make_cpu_backend(threads_));
  return backend::make_split_backend(std::move(cpu), std::move(gpu), plan.placement());
}

Result<Parts> Maker::planned(const GpuDevice& device, const GpuPlan& plan, int context) const {
  HANDMILL_TRY(auto backend, placed(device, plan));
  Cache cache{.context_most = context, .block_bytes = plan.cpu_kv_block_bytes};
  if (device.shares_memory) cache.block_bytes.reset();
  return load(std::move(backend), cache);
}

Result<std::optional<Parts>> Maker::on_gpu(const GpuDevice& device) const {
  HANDMILL_TRY(GpuNeeds needs, gpu_needs(*file_, config_, options_, options_.context));
  GpuRoom room = gpu_room(device, options_.gpu);
  GpuWish wish = gpu_wish(options_.gpu);
  if (options_.context == 0) {
    const int context = gpu_context(needs, room, config_.context);
    HANDMILL_TRY(needs, gpu_needs(*file_, config_, options_, context));
  }
  for (std::string before;;) {
    HANDMILL_TRY(const GpuPlan plan, plan_gpu(needs, room, wish));
    if (plan.chosen.layers == 0) {
      if (!before.empty() || wish.use) spdlog::warn("{}{}", before, plan.summary());
      return std::optional<Parts>();
    }
    if (!device.shares_memory)
      HANDMILL_OK(check_weights(*file_, memory_bytes_, plan.device_weights()));
    auto parts = planned(device, plan, needs.context);
    if (parts.ok()) {
      parts->on_gpu = true;
      if (!before.empty()) spdlog::warn("{}{}", before, plan.summary());
      spdlog::info("{}", plan.summary());
      spdlog::debug("the plan of {}:\n{}", file_->path(), plan.text());
      return std::optional<Parts>(*std::move(parts));
    }
    if (parts.error().code != base::Code::kLimit) return std::move(parts).error();
    if (before.empty()) before = parts.error().message + "; instead ";
    room.limit_bytes = plan.next_smaller();
    wish.at_most = true;
  }
}

}  // namespace

void Parts::release() {
  draft.reset();
  store.reset();
  model.reset();
  backend.reset();
}

Result<Parts> make_parts(std::shared_ptr<const gguf::File> file, const Options& options,
                         const base::Progress& progress) {
  HANDMILL_OK(validate(options));
  HANDMILL_TRY(const Maker maker, Maker::make(std::move(file), options, progress));
  HANDMILL_TRY(const auto device, find_gpu(options.gpu));
  if (!device) return maker.on_cpu();
  auto parts = maker.on_gpu(*device);
  const bool asked_for = options.gpu.device != kAutoGpu || options.gpu.layers > 0;
  if (!parts.ok()) {
    if (asked_for) return std::move(parts).error();
    spdlog::warn("{} is not used: {}", device->name, parts.error().message);
    return maker.on_cpu();
  }
  if (!*parts) return maker.on_cpu();
  return **std::move(parts);
}

}  // namespace handmill::engine
