#include "router/facts.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <sys/stat.h>

#include "chat/chat.h"
#include "chat/prompt.h"
#include "model/model.h"
#include "router/identity.h"

namespace handmill::router {
namespace {

/// The names of general.file_type (the GGUF specification, "file_type").
constexpr std::array<std::string_view, 40> kFileTypes = {
    "F32",    "F16",    "Q4_0",  "Q4_1",    "",       "",       "",       "Q8_0",
    "Q5_0",   "Q5_1",   "Q2_K",  "Q3_K_S",  "Q3_K_M", "Q3_K_L", "Q4_K_S", "Q4_K_M",
    "Q5_K_S", "Q5_K_M", "Q6_K",  "IQ2_XXS", "IQ2_XS", "Q2_K_S", "IQ3_XS", "IQ3_XXS",
    "IQ1_S",  "IQ4_NL", "IQ3_S", "IQ3_M",   "IQ2_S",  "IQ2_M",  "IQ4_XS", "IQ1_M",
    "BF16",   "",       "",      "",        "TQ1_0",  "TQ2_0",  "MXFP4",  "NVFP4"};

uint64_t elements(const gguf::Tensor& tensor) { return tensor.cols() * tensor.rows(); }

/// The type that most weights have, as the usual names are written.
std::string most_frequent_type(const gguf::File& file) {
  std::map<std::string_view, uint64_t> counts;
  for (const gguf::Tensor& tensor : file.tensors()) counts[tensor.format->name] += elements(tensor);
  const auto most = std::max_element(counts.begin(), counts.end(),
                                     [](auto& a, auto& b) { return a.second < b.second; });
  std::string name(most == counts.end() ? "" : most->first);
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

std::string quantization(const gguf::File& file) {
  const auto type = file.get_uint("general.file_type");
  if (type.ok() && *type < kFileTypes.size() && !kFileTypes[*type].empty())
    return std::string(kFileTypes[*type]);
  return most_frequent_type(file);
}

std::string rendered(const chat::Template& chat_template, const chat::RenderOptions& options) {
  const auto segments = chat_template.render({{"user", "Hi", {}}}, options);
  return segments.ok() ? chat::joined(*segments) : std::string();
}

/// A template is asked rather than read: what it writes of a tool, and what it makes of thinking.
void probe_template(const gguf::File& file, ModelInfo& info) {
  const auto source = file.get_string("tokenizer.chat_template");
  if (!source.ok()) return;
  const auto parsed = chat::Template::parse(*source, "", "");
  if (!parsed.ok()) return;
  constexpr std::string_view kTool = "handmill_probe";
  chat::RenderOptions tools;
  tools.tools = {{{"type", "function"},
                  {"function",
                   {{"name", kTool},
                    {"description", "A tool."},
                    {"parameters", {{"type", "object"}, {"properties", boost::json::object()}}}}}}};
  info.has_tools = rendered(**parsed, tools).find(kTool) != std::string::npos;
  chat::RenderOptions thinks, does_not;
  thinks.extra = {{"enable_thinking", true}, {"thinking", true}};
  does_not.extra = {{"enable_thinking", false}, {"thinking", false}};
  // One that takes thoughts out of a conversation belongs to a model that has them.
  info.thinks = rendered(**parsed, thinks) != rendered(**parsed, does_not) ||
                source->find("</think>") != std::string_view::npos;
}

}  // namespace

Result<ModelInfo> describe(const ModelSource& source, const gguf::File& file) {
  HANDMILL_TRY(const model::Config config, model::read_config(file));
  ModelInfo info;
  info.name = source.name;
  info.path = source.path;
  info.architecture = config.architecture;
  info.quantization = quantization(file);
  info.digest = identity(file);
  info.file_bytes = file.bytes();
  struct stat status = {};
  if (::stat(source.path.c_str(), &status) == 0) info.modified_s = status.st_mtime;
  for (const gguf::Tensor& tensor : file.tensors()) info.parameters += elements(tensor);
  info.context = config.context;
  info.width = config.width;
  probe_template(file, info);
  return info;
}

}  // namespace handmill::router
