// What Ollama's lists tell of models: /api/tags, /api/ps, /api/show, /api/version.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <fmt/format.h>

#include "api/json_writer.h"
#include "api/ollama.h"
#include "api/ollama_time.h"
#include "gguf/value.h"

namespace handmill::api::ollama {
namespace {

/// "134.52M", "7.2B", "8B": three figures that people know a model by.
std::string count_text(uint64_t n) {
  const auto count = static_cast<double>(n);
  const auto scaled = [&](double unit, int digits, char letter) {
    const double value = count / unit;
    return fmt::format("{:.{}f}{}", value, value == std::floor(value) ? 0 : digits, letter);
  };
  if (n >= 1'000'000'000) return scaled(1e9, 1, 'B');
  if (n >= 1'000'000) return scaled(1e6, 2, 'M');
  if (n >= 1'000) return scaled(1e3, 0, 'K');
  return fmt::format("{}", n);
}

void add_details(JsonWriter& json, const Model& model) {
  json.key("details").begin_object();
  json.field("parent_model", "").field("format", "gguf").field("family", model.family);
  json.key("families").begin_array().value(model.family).end_array();
  json.field("parameter_size", count_text(model.parameters));
  json.field("quantization_level", model.quantization);
  if (model.context > 0) json.field("context_length", model.context);
  if (model.width > 0) json.field("embedding_length", model.width);
  json.end_object();
}

void add_capabilities(JsonWriter& json, const Model& model) {
  json.key("capabilities").begin_array();
  for (const std::string& each : model.capabilities) json.value(each);
  json.end_array();
}

void add_modified(JsonWriter& json, const Model& model) {
  constexpr int64_t kSecond = 1'000'000'000;
  constexpr int64_t kLast = kNever / kSecond;
  json.field("modified_at", rfc3339(std::clamp(model.modified_s, -kLast, kLast) * kSecond));
}

void add_name(JsonWriter& json, const Model& model) {
  json.field("name", model.name).field("model", model.name);
}

/// A number of a file, in its own type.
void add_scalar(JsonWriter& json, gguf::ValueType type, const uint8_t* bytes) {
  if (type == gguf::ValueType::kBool)
    json.value(*bytes != 0);
  else
    gguf::visit_number(type, bytes, [&](auto number) { json.value(number); });
}

void add_array(JsonWriter& json, const gguf::File& file, const gguf::Entry& entry) {
  json.begin_array();
  if (entry.element_type == gguf::ValueType::kString) {
    if (const auto strings = file.get_strings(entry.key); strings.ok())
      for (const std::string_view text : *strings) json.value(text);
  } else if (const uint64_t stride = gguf::value_bytes_min(entry.element_type); stride > 0) {
    for (uint64_t i = 0; i < entry.count; ++i)
      add_scalar(json, entry.element_type, entry.bytes.data() + i * stride);
  }  // and arrays of arrays, which no model has, seem empty
  json.end_array();
}

void add_entry(JsonWriter& json, const gguf::File& file, const gguf::Entry& entry, bool verbose) {
  json.key(entry.key);
  if (entry.type == gguf::ValueType::kString)
    json.value(
        std::string_view(reinterpret_cast<const char*>(entry.bytes.data()), entry.bytes.size()));
  else if (entry.type != gguf::ValueType::kArray)
    add_scalar(json, entry.type, entry.bytes.data());
  else if (!verbose && entry.key.starts_with("tokenizer."))
    json.value(nullptr);
  else
    add_array(json, file, entry);
}

void add_info(JsonWriter& json, const Model& model, const gguf::File& file, bool verbose) {
  constexpr std::string_view kParameters = "general.parameter_count";
  json.key("model_info").begin_object();
  for (const gguf::Entry& entry : file.metadata()) add_entry(json, file, entry, verbose);
  if (!file.has(kParameters)) json.field(kParameters, model.parameters);
  json.end_object();
}

void add_tensors(JsonWriter& json, const gguf::File& file) {
  json.key("tensors").begin_array();
  for (const gguf::Tensor& tensor : file.tensors()) {
    std::string type(tensor.format->name);
    for (char& c : type) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    json.begin_object().field("name", tensor.name).field("type", type);
    json.key("shape").begin_array();
    for (int d = 0; d < tensor.n_dims; ++d) json.value(tensor.shape[static_cast<size_t>(d)]);
    json.end_array().end_object();
  }
  json.end_array();
}

/// A text of the file, where it has it.
void add_file_text(JsonWriter& json, std::string_view field, const gguf::File& file,
                   std::string_view key) {
  const auto text = file.get_string(key);
  if (text.ok() && !text->empty()) json.field(field, *text);
}

}  // namespace

std::string tags_reply(std::span<const Model> models) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("models").begin_array();
  for (const Model& model : models) {
    json.begin_object();
    add_name(json, model);
    add_modified(json, model);
    json.field("size", model.bytes).field("digest", model.digest);
    add_details(json, model);
    add_capabilities(json, model);
    json.end_object();
  }
  json.end_array().end_object();
  return out;
}

std::string ps_reply(std::span<const Running> models) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("models").begin_array();
  for (const Running& running : models) {
    json.begin_object();
    add_name(json, running.model);
    json.field("size", running.memory_bytes).field("digest", running.model.digest);
    add_details(json, running.model);
    json.field("expires_at", rfc3339(running.expires_ns)).field("size_vram", running.vram_bytes);
    json.field("context_length", running.model.context).end_object();
  }
  json.end_array().end_object();
  return out;
}

std::string show_reply(const Model& model, const gguf::File& file, bool verbose) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  add_file_text(json, "license", file, "general.license");
  json.field("modelfile", fmt::format("FROM {}\n", model.name));
  add_file_text(json, "template", file, "tokenizer.chat_template");
  add_details(json, model);
  add_info(json, model, file, verbose);
  if (verbose) add_tensors(json, file);
  add_capabilities(json, model);
  add_modified(json, model);
  json.end_object();
  return out;
}

std::string version_reply(std::string_view version) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().field("version", version).end_object();
  return out;
}

}  // namespace handmill::api::ollama
