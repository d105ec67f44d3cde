// The CPU backend: 16-row panels, kernels chosen once by instruction set, a pool of threads.
#pragma once

#include <memory>

#include "backend/backend.h"
#include "base/result.h"

namespace handmill::backend {

/// `threads` ≥ 1. The instruction set is the machine's best, or what HANDMILL_CPU names.
Result<std::unique_ptr<Backend>> make_cpu_backend(int threads);

}  // namespace handmill::backend
