// Where a model's layers would go on this machine's GPU: the plan that `run` would make, as
// `explain` tells it.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/gpu_flags.h"
#include "engine/gpu_plan.h"
#include "measure/shape.h"

namespace handmill::cli {

/// Nothing where the flags and this machine leave it to the processor. `context` positions of cache
/// are planned for; layers are taken to be alike.
Result<std::optional<engine::GpuPlan>> find_gpu_plan(const measure::Shape& shape,
                                                     const GpuFlags& flags, int threads,
                                                     backend::KvType kv, int context);

std::string gpu_plan_text(const std::optional<engine::GpuPlan>& plan);
boost::json::value gpu_plan_json(const std::optional<engine::GpuPlan>& plan);

}  // namespace handmill::cli
