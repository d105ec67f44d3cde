// What can be told of a model file without loading it: its metadata, tensor types and sizes, and
// the memory that a context takes. Serves `show` and the chat's /show info.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "gguf/file.h"
#include "model/model.h"

namespace handmill::cli {

struct TypeCount {
  std::string type;
  uint64_t tensors = 0;
  uint64_t bytes = 0;
};

/// Bytes of key/value cache for so many positions.
struct ContextMemory {
  uint64_t positions = 0;
  uint64_t f16 = 0;
  uint64_t q8_0 = 0;
};

struct ModelFacts {
  std::string path;
  std::string title;  // general.name, or empty
  std::string architecture;
  uint32_t gguf_version = 0;
  uint64_t file_bytes = 0;
  uint64_t parameters = 0;
  uint64_t tensors = 0;
  std::vector<TypeCount> types;         // most bytes first
  std::optional<model::Config> config;  // nothing where handmill cannot run the model; then
  std::string refusal;                  // this says why
  std::vector<ContextMemory> memory;
};

Result<ModelFacts> model_facts(const gguf::File& file);
std::string facts_text(const ModelFacts& facts);
boost::json::object facts_json(const ModelFacts& facts);

/// `key  type  value`, a line an entry; what is long is shortened.
std::string metadata_text(const gguf::File& file);
/// An array of more than a few elements, or a long text, becomes {"type", "count", "first"}.
boost::json::object metadata_json(const gguf::File& file);

}  // namespace handmill::cli
