// A model's header, wherever the model is: a file here, or one elsewhere of which only the begin is
// fetched. Serves the commands that need no weights.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "gguf/file.h"

namespace handmill::cli {

struct ModelHeader {
  std::string name;
  std::shared_ptr<const gguf::File> file;
  uint64_t fetched_bytes = 0;  // over the network, of file->bytes(); 0 for a file that is here
};

/// `word` is a name or path as find_model() takes it, or a remote one (hub.h). Shows its progress.
Result<ModelHeader> open_model_header(const std::string& word);

}  // namespace handmill::cli
