// Bounds first, then memory: whatever does not fit is an error before it is read.
#include "engine/parts.h"

#include <algorithm>

#include "backend/cpu/cpu.h"
#include "base/error.h"
#include "engine/context.h"
#include "kv/cache.h"
#include "model/panels.h"
#include "probe/machine.h"

namespace handmill::engine {
namespace {

constexpr int kThreadsMax = 1024;
constexpr int kContextMax = 1 << 26;
constexpr int kPrefillChunkMax = 1 << 14;
constexpr int kSequencesMax = 1024;
constexpr int kOutputsMin = 16;  // rows whose logits score() computes at once, or speculation fills

Status in_range(const char* name, int value, int min, int max) {
  if (value >= min && value <= max) return {};
  return base::invalid("{} is {}; it must be {} to {}", name, value, min, max);
}

Status validate(const Options& options) {
  HANDMILL_OK(in_range("threads", options.threads, 0, kThreadsMax));
  HANDMILL_OK(in_range("context", options.context, 0, kContextMax));
  HANDMILL_OK(in_range("prefill_chunk", options.prefill_chunk, 1, kPrefillChunkMax));
  return in_range("max_sequences", options.max_sequences, 1, kSequencesMax);
}

/// Mapped weights count as memory that the system could take back, but every token reads them.
uint64_t free_bytes(uint64_t mapped_bytes) {
  const uint64_t available = probe::read_memory("").available_bytes;
  return available == 0 ? 0 : std::max<uint64_t>(available, mapped_bytes + 1) - mapped_bytes;
}

}  // namespace

Result<Parts> make_parts(std::shared_ptr<const gguf::File> file, const Options& options,
                         const base::Progress& progress) {
  HANDMILL_OK(validate(options));
  HANDMILL_TRY(const probe::Machine machine, probe::read_machine());
  Parts parts;
  parts.file = std::move(file);
  parts.threads = options.threads > 0 ? options.threads : machine.threads_best();
  parts.prefill_chunk = options.prefill_chunk;
  parts.max_sequences = options.max_sequences;
  parts.speculate = options.speculate;
  parts.max_outputs = std::max(kOutputsMin, options.max_sequences);
  HANDMILL_OK(check_weights(*parts.file, machine.memory.total_bytes));
  HANDMILL_TRY(const model::Config config, model::read_config(*parts.file));
  HANDMILL_TRY(parts.tokenizer, text::Tokenizer::load(*parts.file));
  if (parts.tokenizer->vocab_size() > config.vocab)
    return base::invalid("{}: the tokenizer has {} tokens, token_embd.weight only {} rows",
                         parts.file->path(), parts.tokenizer->vocab_size(), config.vocab);
  HANDMILL_TRY(parts.backend, backend::make_cpu_backend(parts.threads));
  HANDMILL_TRY(parts.model,
               model::Model::load(
                   *parts.file, *parts.backend, parts.prefill_chunk, parts.max_outputs, progress,
                   model::find_panels(*parts.file, *parts.backend, options.panels_folder)));
  const backend::KvShape shape = parts.model->kv_shape(options.kv);
  uint64_t block_bytes = parts.backend->kv_block_bytes(shape);
  uint64_t mapped_bytes = parts.model->mapped_bytes();
  if (options.draft && options.speculate != Speculate::kOff) {
    HANDMILL_OK(check_weights(*options.draft, machine.memory.total_bytes));
    HANDMILL_TRY(parts.draft,
                 Draft::load(options.draft, *parts.backend, options, *parts.model, *parts.tokenizer,
                             {parts.prefill_chunk, parts.max_sequences, parts.max_outputs}));
    block_bytes += parts.draft->block_bytes();
    mapped_bytes += parts.draft->mapped_bytes();
  }
  HANDMILL_TRY(parts.context, plan_context(options.context, config.context, block_bytes,
                                           free_bytes(mapped_bytes)));
  const int blocks = kv::blocks_for(parts.context);
  HANDMILL_TRY(parts.store, parts.backend->kv_store(shape, blocks));
  if (parts.draft) HANDMILL_OK(parts.draft->make_cache(blocks));
  return parts;
}

}  // namespace handmill::engine
