#include "cli/explain_gpu.h"

#include <algorithm>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "engine/gpu_needs.h"

namespace handmill::cli {
namespace {

namespace json = boost::json;
using measure::PartKind;

Result<engine::GpuNeeds> needs_of(const measure::Shape& shape, backend::KvType kv, int context) {
  engine::Options options;
  options.kv = kv;
  HANDMILL_TRY(engine::GpuNeeds needs, engine::gpu_sizes(shape.config, options, context));
  const auto layers = static_cast<uint64_t>(shape.config.layers);
  model::LayerBytes all;
  for (const measure::ShapePart& part : shape.parts) {
    uint64_t& place = part.once                             ? needs.weights.head
                      : part.kind == PartKind::kFeedForward ? all.ffn
                                                            : all.whole;
    place += part.bytes;
    if (!part.once) needs.weights.elements += part.elements;
  }
  needs.weights.layers.assign(layers, {all.whole / layers, all.ffn / layers});
  return needs;
}

json::value known(double seconds) {
  return seconds > 0 ? json::value(seconds) : json::value(nullptr);
}

json::value choice_json(const std::optional<engine::GpuChoice>& choice) {
  if (!choice) return nullptr;
  return {{"layers", choice->layers},          {"head", choice->head},
          {"cpu_ffn_cols", choice->cpu_cols},  {"bytes", choice->bytes.total()},
          {"token_s", known(choice->seconds)}, {"read_token_s", known(choice->read_s)}};
}

}  // namespace

Result<std::optional<engine::GpuPlan>> find_gpu_plan(const measure::Shape& shape,
                                                     const GpuFlags& flags, int threads,
                                                     backend::KvType kv, int context) {
  const engine::GpuOptions options = gpu_options(flags, threads);
  HANDMILL_TRY(const auto device, engine::find_gpu(options));
  if (!device) return std::optional<engine::GpuPlan>();
  HANDMILL_TRY(const auto needs, needs_of(shape, kv, context));
  HANDMILL_TRY(auto plan, engine::plan_gpu(needs, engine::gpu_room(*device, options),
                                           engine::gpu_wish(options)));
  return std::optional(std::move(plan));
}

std::string gpu_plan_text(const std::optional<engine::GpuPlan>& plan) {
  return plan ? "\nOn this machine's GPU\n" + plan->text() : "";
}

json::value gpu_plan_json(const std::optional<engine::GpuPlan>& plan) {
  if (!plan) return nullptr;
  const engine::GpuBytes& bytes = plan->chosen.bytes;
  return {{"device", plan->device},
          {"chosen", choice_json(plan->chosen)},
          {"of_layers", plan->all_layers},
          {"reason", plan->reason},
          {"bytes",
           {{"weights", bytes.weights},
            {"head", bytes.head},
            {"kv", bytes.kv},
            {"buffers", bytes.buffers},
            {"staging", bytes.staging}}},
          {"room_bytes", plan->room},
          {"reserve_bytes", plan->reserve},
          {"alternatives",
           {{"processor", choice_json(plan->cpu)},
            {"whole_layers", choice_json(plan->whole)},
            {"shared_layers", choice_json(plan->shared)}}}};
}

}  // namespace handmill::cli
