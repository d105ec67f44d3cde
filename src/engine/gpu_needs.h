// What a plan for a device is made from: a model's sizes as its file and the options give them, and
// the room on the device. Serves whoever loads, predicts or keeps models.
#pragma once

#include "base/result.h"
#include "engine/engine.h"
#include "engine/gpu_plan.h"
#include "gguf/file.h"
#include "model/model.h"

namespace handmill::engine {

/// All but the weights and a draft model.
Result<GpuNeeds> gpu_sizes(const model::Config& config, const Options& options, int context);
/// `context` positions of cache; the draft model's part is in it where the options have one.
Result<GpuNeeds> gpu_needs(const gguf::File& file, const model::Config& config,
                           const Options& options, int context);
/// Its figures are those of the options, where they know better than the device.
GpuRoom gpu_room(const GpuDevice& device, const GpuOptions& options);
GpuWish gpu_wish(const GpuOptions& options);

/// The device that the options ask for, or nothing. A driver that fails is an error where a device
/// was asked for by its name, and otherwise a line in the log.
Result<std::optional<GpuDevice>> find_gpu(const GpuOptions& options);

}  // namespace handmill::engine
