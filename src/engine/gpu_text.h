// What a plan says. Serves gpu_plan.cpp.
#pragma once

#include <string>

#include "base/result.h"
#include "engine/gpu_plan.h"

namespace handmill::engine {

std::string reason_of(const GpuPlan& plan, const GpuWish& wish);

/// kLimit: why `wanted` does not fit into `room` bytes of the device, and what would. `layers`
/// whole ones do.
Error misfit(const GpuNeeds& needs, const GpuChoice& wanted, const std::string& device,
             uint64_t room, int layers);

}  // namespace handmill::engine
