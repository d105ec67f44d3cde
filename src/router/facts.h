// What can be told of a model without loading it.
#pragma once

#include <string>

#include "base/result.h"
#include "gguf/file.h"
#include "router/router.h"

namespace handmill::router {

/// Everything in ModelInfo but how the model stands now. Errors: an architecture that handmill
/// lacks, hyper-parameters that cannot be.
Result<ModelInfo> describe(const ModelSource& source, const gguf::File& file);

}  // namespace handmill::router
