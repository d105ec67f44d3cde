// The panel file of a model: its matrices as a backend packed them, kept beside the model so that
// the next start maps them instead of packing. It is used only where it was made from this very
// file, for this backend's layout, and every part has the size that the layout gives it; its
// numbers are checked each time, the checksums of the weights only by verify().
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "base/progress.h"
#include "base/result.h"
#include "base/section_file.h"
#include "gguf/file.h"

namespace handmill::model {

/// Immutable; any thread may read.
class Panels {
 public:
  /// An error says why the file at `path` does not serve; kNotFound where there is none.
  static Result<Panels> open(const std::string& path, const gguf::File& file,
                             const backend::Backend& backend);

  const std::string& path() const { return sections_.path(); }
  /// The packed bytes of a tensor; none where it was not packed.
  std::span<const uint8_t> find(std::string_view tensor) const;
  Status verify(const base::Progress& progress = {}) const { return sections_.verify(progress); }

 private:
  base::SectionFile sections_;
};

/// Where a model's panel file may lie, in the order of search: beside the model, and in `folder`
/// unless that is empty.
std::vector<std::string> panel_places(const gguf::File& file, const std::string& folder);

/// The first that serves, or null. One that is there and does not serve is named in the log.
std::shared_ptr<const Panels> find_panels(const gguf::File& file, const backend::Backend& backend,
                                          const std::string& folder);

/// At most so many bytes write_panels() will write.
uint64_t panel_file_bytes(const gguf::File& file, const backend::Backend& backend);

/// Packs the model, a tensor at a time, into `sink`. `progress` counts bytes of the file's tensors.
Status write_panels(const gguf::File& file, backend::Backend& backend,
                    const base::SectionWriter::Sink& sink, const base::Progress& progress = {});

}  // namespace handmill::model
