#include "model/panels.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <spdlog/spdlog.h>

#include "base/checksum.h"
#include "base/error.h"
#include "base/quote.h"
#include "model/arch/arch.h"
#include "model/model.h"
#include "model/tensors.h"

namespace handmill::model {
namespace {

/// Of what the file says of itself, and of the ends of every tensor: so two trainings of one
/// architecture differ, and nothing but a few pages is read.
uint64_t contents_sum(const gguf::File& file) {
  constexpr size_t kEnd = 64;
  uint64_t sum = 0;
  for (const gguf::Entry& entry : file.metadata())
    sum = base::checksum(entry.bytes, base::checksum(entry.key, sum));
  for (const gguf::Tensor& tensor : file.tensors()) {
    sum = base::checksum(tensor.name, sum);
    sum = base::checksum(tensor.format->name, sum);
    sum = base::checksum(
        {reinterpret_cast<const uint8_t*>(tensor.shape.data()), sizeof tensor.shape}, sum);
    const size_t count = std::min(kEnd, tensor.data.size());
    sum = base::checksum(tensor.data.first(count), sum);
    sum = base::checksum(tensor.data.last(count), sum);
  }
  return sum;
}

/// What a panel file is made from, a fact a line.
std::string source_of(const gguf::File& file, const backend::Backend& backend) {
  return fmt::format("layout: {}\nsize: {} bytes\nmodified: {} ns\ncontents: {:016x}\n",
                     backend.layout_name(), file.bytes(), file.modified_ns(), contents_sum(file));
}

/// The first line of `text`, which it loses.
std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

Status check_source(const std::string& path, std::string_view found, std::string_view wanted) {
  while (!found.empty() || !wanted.empty()) {
    const std::string_view has = take_line(found), want = take_line(wanted);
    if (has != want)
      return base::invalid("{}: was made for another model or build: {}, not {}", path,
                           base::quoted(has), base::quoted(want));
  }
  return {};
}

/// Whether load_weights() will pack the tensor: a matrix, unless only its rows are looked up.
bool is_packed(const gguf::File& file, const gguf::Tensor& tensor) {
  if (tensor.rows() == 1) return false;
  return tensor.name != kEmbedding || file.find_tensor(kOutput) == nullptr;
}

}  // namespace

Result<Panels> Panels::open(const std::string& path, const gguf::File& file,
                            const backend::Backend& backend) {
  Panels panels;
  HANDMILL_TRY(panels.sections_, base::SectionFile::open(path));
  HANDMILL_OK(check_source(path, panels.sections_.source(), source_of(file, backend)));
  for (const gguf::Tensor& tensor : file.tensors()) {
    const size_t bytes = panels.find(tensor.name).size();
    const size_t wanted = is_packed(file, tensor)
                              ? backend.packed_bytes(*tensor.format, tensor.rows(), tensor.cols())
                              : 0;
    if (bytes != wanted)
      return base::invalid("{}: tensor {} is {} bytes; its panels take {}", path,
                           base::quoted(tensor.name), bytes, wanted);
  }
  return panels;
}

std::span<const uint8_t> Panels::find(std::string_view tensor) const {
  const base::Section* section = sections_.find(tensor);
  return section == nullptr ? std::span<const uint8_t>() : section->bytes;
}

std::vector<std::string> panel_places(const gguf::File& file, const std::string& folder) {
  constexpr const char* kExtension = ".panels";
  const std::filesystem::path path(file.path());
  std::vector<std::string> places{std::filesystem::path(path).replace_extension(kExtension)};
  if (!folder.empty())
    places.push_back(std::filesystem::path(folder) / path.filename().replace_extension(kExtension));
  return places;
}

std::shared_ptr<const Panels> find_panels(const gguf::File& file, const backend::Backend& backend,
                                          const std::string& folder) {
  for (const std::string& path : panel_places(file, folder)) {
    auto panels = Panels::open(path, file, backend);
    if (panels.ok()) {
      spdlog::info("{}: mapped instead of packing the model", path);
      return std::make_shared<const Panels>(std::move(*panels));
    }
    if (panels.error().code != base::Code::kNotFound)
      spdlog::warn("not using prepared weights: {}", panels.error().message);
  }
  return nullptr;
}

uint64_t panel_file_bytes(const gguf::File& file, const backend::Backend& backend) {
  size_t names = source_of(file, backend).size();
  uint64_t bytes = 0;
  for (const gguf::Tensor& tensor : file.tensors()) {
    if (!is_packed(file, tensor)) continue;
    bytes += backend.packed_bytes(*tensor.format, tensor.rows(), tensor.cols());
    names += tensor.name.size();
  }
  return bytes + base::section_file_overhead(file.tensors().size(), names);
}

Status write_panels(const gguf::File& file, backend::Backend& backend,
                    const base::SectionWriter::Sink& sink, const base::Progress& progress) {
  HANDMILL_TRY(const Config config, read_config(file));
  HANDMILL_OK(check_tensors(file, config, find_architecture(config.architecture)->parts));
  base::SectionWriter writer(sink);
  uint64_t done = 0, total = 0;
  for (const gguf::Tensor& tensor : file.tensors())
    if (is_packed(file, tensor)) total += tensor.data.size();
  for (const gguf::Tensor& tensor : file.tensors()) {
    if (!is_packed(file, tensor)) continue;
    auto packed = backend.pack(*tensor.format, tensor.data, tensor.rows(), tensor.cols(), {},
                               [&](std::span<const uint8_t> part) { file.release(part); });
    if (!packed.ok())
      return Error{packed.error().code,
                   fmt::format("{}: tensor {}: {}", file.path(), base::quoted(tensor.name),
                               packed.error().message)};
    HANDMILL_OK(writer.add(tensor.name, (*packed)->packed()));
    if (progress) progress(done += tensor.data.size(), total);
  }
  return writer.finish(source_of(file, backend));
}

}  // namespace handmill::model
