// What one step of an engine needs beside weights and cache, before there is an engine.
#pragma once

#include <cstdint>

#include "engine/engine.h"
#include "model/model.h"

namespace handmill::engine {

/// Bytes of one step, four an element: the rows' residual stream, queries, keys, values and angles,
/// what the products read (half as much where no matrix is of floats), and the logits.
uint64_t buffer_bytes(const model::Config& config, const Options& options);

/// The same on a device, which keeps a product's floats until they are the next one's inputs: gate
/// and up of every row.
uint64_t device_buffer_bytes(const model::Config& config, const Options& options);

}  // namespace handmill::engine
