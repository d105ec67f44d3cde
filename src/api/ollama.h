// Ollama's own language: the bodies of the /api routes, and their replies. What is absent means
// what Ollama's documentation says it means, with two exceptions: a prompt is cut only where the
// client writes `truncate: true`, and the context is the model's own unless `num_ctx` says less.
// null is absence, and `name` is `model` under its old name.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/dialect.h"
#include "api/event.h"
#include "api/request.h"
#include "gguf/file.h"

namespace handmill::api::ollama {

enum class Route { kGenerate, kChat, kEmbed, kEmbeddings };

/// No prompt: the model is only to be loaded, and to stay as long as `keep_alive` says.
struct Preload {
  Route route = Route::kChat;
  std::string model;
  KeepAlive keep_alive;
};
/// No prompt, and a keep_alive of 0: the model is to be let go.
struct Unload {
  Route route = Route::kChat;
  std::string model;
};
struct AskedEmbedding {
  Route route = Route::kEmbed;
  Embedding embedding;
  std::vector<std::string> ignored;  // as Asked's
};

using Generation = std::variant<Asked, Preload, Unload, Fault>;
Generation read_generate(std::string_view body);
Generation read_chat(std::string_view body);

using EmbeddingAsk = std::variant<AskedEmbedding, Preload, Unload, Fault>;
EmbeddingAsk read_embed(std::string_view body);
/// The older /api/embeddings: one `prompt`.
EmbeddingAsk read_embeddings(std::string_view body);

struct ShowAsk {
  std::string model;
  bool verbose = false;
};
Read<ShowAsk> read_show(std::string_view body);

/// "load" or "unload" is done: one object, application/json, whatever `stream` said.
std::string preloaded(const Preload& asked, const Identity& identity, const Timings& timings);
std::string unloaded(const Unload& asked, const Identity& identity);

std::string embed_reply(const Identity& identity, std::span<const std::vector<float>> vectors,
                        const Usage& usage, const Timings& timings);
/// REQUIRES: one vector.
std::string embeddings_reply(std::span<const std::vector<float>> vectors);

/// Why a route that needs the model store is refused ("/api/pull"). Ollama's routes are: pull,
/// push, create, copy, delete, blobs.
Fault store_fault(std::string_view route);

/// A model as the lists tell it.
struct Model {
  std::string name;    // API name
  std::string digest;  // hexadecimal
  int64_t modified_s = 0;
  uint64_t bytes = 0;        // of the file
  std::string family;        // architecture
  std::string quantization;  // "Q4_K_M"
  uint64_t parameters = 0;
  int context = 0;                        // most tokens
  int width = 0;                          // of an embedding
  std::vector<std::string> capabilities;  // "completion", "tools", "embedding", "thinking"
};
inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
struct Running {
  Model model;
  uint64_t memory_bytes = 0;
  uint64_t vram_bytes = 0;      // of these, on an accelerator
  int64_t expires_ns = kNever;  // since 1970, UTC
};

std::string tags_reply(std::span<const Model> models);
std::string ps_reply(std::span<const Running> models);
/// License, template and every metadata entry come from the file; arrays of the tokenizer are null,
/// and there are no tensors, unless `verbose`.
std::string show_reply(const Model& model, const gguf::File& file, bool verbose);
std::string version_reply(std::string_view version);

}  // namespace handmill::api::ollama
