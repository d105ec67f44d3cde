#include "engine/gpu_text.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "kv/cache.h"

namespace handmill::engine {
namespace {

double mib(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

/// "13.50 ms", "13.50 ms and 1.20 for one that is read"
std::string milliseconds(const GpuChoice& choice) {
  std::string text = fmt::format("{:.2f} ms", choice.seconds * 1e3);
  if (choice.read_s > 0) text += fmt::format(" and {:.2f} for one read", choice.read_s * 1e3);
  return text;
}

/// "20 of 28 layers", "28 of 28 layers and the head", "… 512 of 18944 columns of their …"
std::string what(const GpuPlan& plan, const GpuChoice& choice) {
  std::string text = fmt::format("{} of {} layers{}", choice.layers, plan.all_layers,
                                 choice.head ? " and the head" : "");
  if (choice.cpu_cols > 0)
    text += fmt::format(", less {} of {} columns of their feed-forward blocks", choice.cpu_cols,
                        plan.ffn_width);
  return text;
}

}  // namespace

std::string reason_of(const GpuPlan& plan, const GpuWish& wish) {
  const GpuChoice& chosen = plan.chosen;
  if (chosen.layers == 0) {
    if (wish.layers == 0) return "as asked for";
    if (!plan.whole && !plan.shared) return "not one layer fits";
    return fmt::format(
        "the processor alone is predicted to take {} for a token, the best with {} {}",
        milliseconds(plan.cpu), plan.device, milliseconds(plan.whole ? *plan.whole : *plan.shared));
  }
  if (plan.is_slower())
    return fmt::format(
        "as asked for, though the processor alone is predicted to take {} for a token",
        milliseconds(plan.cpu));
  if (plan.is_whole()) return "everything fits";
  if (wish.layers >= 0 && !wish.at_most && chosen.cpu_cols == 0) return "as asked for";
  if (chosen.seconds == 0)
    return "as many layers as fit: what the two sides can do was not measured";
  return fmt::format("predicted to be the fastest of what fits: a token in {}",
                     milliseconds(chosen));
}

Error misfit(const GpuNeeds& needs, const GpuChoice& wanted, const std::string& device,
             uint64_t room, int layers) {
  const GpuBytes& bytes = wanted.bytes;
  const uint64_t others = bytes.total() - bytes.kv;
  const auto blocks = static_cast<uint64_t>(kv::blocks_for(needs.context));
  const uint64_t block = blocks > 0 ? bytes.kv / blocks : 0;
  std::vector<std::string> would;
  if (layers > 0) would.push_back(fmt::format("{} layers", layers));
  if (room > others && block > 0 && (room - others) / block > 0)
    would.push_back(fmt::format("a context of {}", (room - others) / block * backend::kKvBlock));
  const uint64_t smaller =
      static_cast<uint64_t>(wanted.layers) * blocks * needs.kv_block_bytes_smaller;
  if (smaller > 0 && others + smaller <= room) would.emplace_back("a q8_0 cache");
  return base::limit(
      "{} layers{} take {:.0f} MiB of {}: {:.0f} of weights, {:.0f} of key/value cache for a "
      "context of {}, {:.0f} of buffers; {:.0f} MiB may be used. {}",
      wanted.layers, wanted.head ? " and the head" : "", mib(bytes.total()), device,
      mib(bytes.weights + bytes.head + bytes.draft), mib(bytes.kv), needs.context,
      mib(bytes.buffers + bytes.staging), mib(room),
      would.empty() ? "Not one layer would fit"
                    : fmt::format("What would fit: {}", fmt::join(would, "; or ")));
}

backend::Placement GpuPlan::placement() const {
  backend::Placement out;
  out.layers.resize(static_cast<size_t>(all_layers));
  for (int i = all_layers - chosen.layers; i < all_layers; ++i)
    out.layers[static_cast<size_t>(i)] = {true, chosen.cpu_cols};
  out.head_on_device = chosen.head;
  return out;
}

std::string GpuPlan::summary() const {
  if (chosen.layers == 0) return fmt::format("nothing on {}: {}", device, reason);
  return fmt::format("{} on {}: {}", what(*this, chosen), device, reason);
}

std::string GpuPlan::text() const {
  std::string out;
  const auto line = [&out](const char* name, uint64_t bytes) {
    if (bytes > 0) out += fmt::format("  {:<18}{:>8.0f} MiB\n", name, mib(bytes));
  };
  const GpuBytes& bytes = chosen.bytes;
  line("weights", bytes.weights);
  line("head", bytes.head);
  line("key/value cache", bytes.kv);
  line("buffers", bytes.buffers);
  line("draft model", bytes.draft);
  line("staging", bytes.staging);
  line("together", bytes.total());
  line("may be used", room);
  line("left to the driver", reserve);
  if (cpu.seconds > 0) {
    out += fmt::format("  a token, predicted: {} on the processor alone", milliseconds(cpu));
    for (const auto& choice : {whole, shared})
      if (choice) out += fmt::format("; {} with {}", milliseconds(*choice), what(*this, *choice));
    out += "\n";
  }
  return out + fmt::format("  {}\n", summary());
}

}  // namespace handmill::engine
