#include "cli/show_facts.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "backend/cpu/cpu.h"
#include "cli/figures.h"
#include "cli/utf8.h"

namespace handmill::cli {
namespace {

uint64_t elements(const gguf::Tensor& tensor) { return tensor.cols() * tensor.rows(); }

std::vector<TypeCount> count_types(const gguf::File& file) {
  std::map<std::string_view, TypeCount> by_name;
  for (const gguf::Tensor& tensor : file.tensors()) {
    TypeCount& count = by_name[tensor.format->name];
    count.type = tensor.format->name;
    ++count.tensors;
    count.bytes += tensor.bytes;
  }
  std::vector<TypeCount> types;
  for (auto& [name, count] : by_name) types.push_back(std::move(count));
  std::sort(types.begin(), types.end(),
            [](const TypeCount& a, const TypeCount& b) { return a.bytes > b.bytes; });
  return types;
}

/// Some lengths up to the model's own, which is the last.
std::vector<uint64_t> context_lengths(uint64_t longest) {
  std::vector<uint64_t> lengths;
  for (uint64_t length = 2048; length < longest; length *= 4) lengths.push_back(length);
  lengths.push_back(longest);
  return lengths;
}

Result<std::vector<ContextMemory>> context_memory(const model::Config& config) {
  HANDMILL_TRY(const auto backend, backend::make_cpu_backend(1));
  const auto block_bytes = [&](backend::KvType type) -> uint64_t {
    return backend->kv_block_bytes({config.layers, config.kv_heads, config.head_dim, type});
  };
  const uint64_t f16 = block_bytes(backend::KvType::kF16);
  const uint64_t q8_0 = block_bytes(backend::KvType::kQ8_0);
  std::vector<ContextMemory> memory;
  for (const uint64_t length : context_lengths(static_cast<uint64_t>(config.context))) {
    const uint64_t blocks = (length + backend::kKvBlock - 1) / backend::kKvBlock;
    memory.push_back({length, blocks * f16, blocks * q8_0});
  }
  return memory;
}

}  // namespace

Result<ModelFacts> model_facts(const gguf::File& file) {
  ModelFacts facts;
  facts.path = file.path();
  facts.gguf_version = file.version();
  facts.file_bytes = file.bytes();
  facts.tensors = file.tensors().size();
  if (auto name = file.get_string("general.name"); name.ok()) facts.title = *name;
  if (auto name = file.get_string("general.architecture"); name.ok()) facts.architecture = *name;
  for (const gguf::Tensor& tensor : file.tensors()) facts.parameters += elements(tensor);
  facts.types = count_types(file);
  auto config = model::read_config(file);
  if (!config.ok()) {
    facts.refusal = config.error().message;  // still worth showing: why is part of the answer
    return facts;
  }
  HANDMILL_TRY(facts.memory, context_memory(*config));
  facts.config = std::move(*config);
  return facts;
}

std::string facts_text(const ModelFacts& facts) {
  std::string out;
  const auto row = [&out](std::string_view name, const std::string& value) {
    out += fmt::format("  {:<14}{}\n", name, value);
  };
  out += "Model\n";
  if (!facts.title.empty()) row("name", facts.title);
  row("file", fmt::format("{} (GGUF v{})", facts.path, facts.gguf_version));
  row("size", fmt::format("{} in {} tensors", bytes_text(facts.file_bytes), facts.tensors));
  row("architecture", facts.architecture.empty() ? "(not said)" : facts.architecture);
  row("parameters", count_text(facts.parameters));
  if (facts.config) {
    const model::Config& c = *facts.config;
    row("context", fmt::format("{} tokens", c.context));
    row("layers", fmt::format("{} of width {}, feed-forward {}", c.layers, c.width, c.ffn_width));
    row("attention",
        fmt::format("{} heads of {}, {} key/value heads{}", c.heads, c.head_dim, c.kv_heads,
                    c.window > 0 ? fmt::format(", window {}", c.window) : ""));
    row("vocabulary", fmt::format("{} tokens", c.vocab));
  } else {
    row("not runnable", facts.refusal);
  }
  out += "\nTensor types\n";
  for (const TypeCount& type : facts.types)
    out += fmt::format("  {:<14}{:>6} tensors {:>10}\n", type.type, type.tensors,
                       bytes_text(type.bytes));
  if (facts.memory.empty()) return out;
  out += fmt::format("\nContext memory  {:>10}  {:>10}\n", "f16", "q8_0");
  for (const ContextMemory& memory : facts.memory)
    out += fmt::format("  {:>7} tokens{:>11}  {:>10}\n", memory.positions, bytes_text(memory.f16),
                       bytes_text(memory.q8_0));
  return out;
}

boost::json::object facts_json(const ModelFacts& facts) {
  boost::json::object object;
  object["path"] = valid_utf8(facts.path);
  object["name"] = valid_utf8(facts.title);
  object["architecture"] = valid_utf8(facts.architecture);
  object["gguf_version"] = facts.gguf_version;
  object["bytes"] = facts.file_bytes;
  object["parameters"] = facts.parameters;
  object["tensors"] = facts.tensors;
  boost::json::array types;
  for (const TypeCount& type : facts.types)
    types.push_back({{"type", type.type}, {"tensors", type.tensors}, {"bytes", type.bytes}});
  object["tensor_types"] = std::move(types);
  if (facts.config) {
    const model::Config& c = *facts.config;
    object["config"] = {{"context", c.context},     {"layers", c.layers}, {"width", c.width},
                        {"ffn_width", c.ffn_width}, {"heads", c.heads},   {"kv_heads", c.kv_heads},
                        {"head_dim", c.head_dim},   {"vocab", c.vocab},   {"window", c.window}};
  } else {
    object["refusal"] = facts.refusal;
  }
  boost::json::array memory;
  for (const ContextMemory& m : facts.memory)
    memory.push_back({{"positions", m.positions}, {"f16", m.f16}, {"q8_0", m.q8_0}});
  object["context_memory"] = std::move(memory);
  return object;
}

}  // namespace handmill::cli
