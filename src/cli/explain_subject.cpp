#include "cli/explain_subject.h"

#include <fmt/format.h>

#include "base/error.h"
#include "cli/catalogue_file.h"
#include "cli/figures.h"
#include "cli/hub.h"
#include "cli/model_header.h"
#include "cli/session.h"
#include "measure/ledger.h"
#include "measure/mix.h"

namespace handmill::cli {
namespace {

Result<Subject> of_file(const ModelFile& model, const backend::Backend& backend) {
  HANDMILL_TRY(const auto file, open_file(model));
  HANDMILL_TRY(auto shape, measure::read_shape(*file, backend));
  std::string digest = measure::identify(model.name, *file).digest;
  return Subject{model.name, std::move(shape), std::move(digest), "the file"};
}

Result<Subject> of_remote(const std::string& word, const backend::Backend& backend) {
  HANDMILL_TRY(const ModelHeader header, open_model_header(word));
  HANDMILL_TRY(auto shape, measure::read_shape(*header.file, backend));
  std::string from = fmt::format("the header at {}: {} of its {} were fetched", header.file->path(),
                                 bytes_text(header.fetched_bytes), bytes_text(shape.file_bytes));
  std::string digest = measure::identify(header.name, *header.file).digest;
  return Subject{header.name, std::move(shape), std::move(digest), std::move(from)};
}

Result<Subject> of_catalogue(const measure::CatalogueName& found, const std::string& date,
                             const backend::Backend& backend) {
  const measure::CatalogueModel& model = *found.model;
  if (model.shape.experts > 0)
    return base::unsupported(
        "{} is a mixture of experts, of which handmill tells only the memory so far: see "
        "`handmill advise`",
        model.name);
  HANDMILL_TRY(auto shape,
               measure::shape_of(model, *measure::find_mix(found.quantization), backend));
  std::string from = fmt::format(
      "the catalogue of {}, as the quantizer would write it: no such file is here", date);
  if (!measure::handmill_runs(model.shape))
    from += fmt::format("; handmill does not run {} yet", model.shape.architecture);
  return Subject{model.name + "-" + found.quantization, std::move(shape), "", std::move(from)};
}

}  // namespace

Result<Subject> find_subject(const std::string& word, const backend::Backend& backend) {
  if (is_remote(word)) return of_remote(word, backend);
  auto file = find_model(word);
  if (file.ok()) return of_file(*file, backend);
  HANDMILL_TRY(const UsedCatalogue used, used_catalogue());
  auto found = measure::find_in_catalogue(used.catalogue, word);
  if (found.ok()) return of_catalogue(*found, used.catalogue.date, backend);
  // Only the catalogue's names have a colon.
  return word.find(':') == std::string::npos ? std::move(file).error() : std::move(found).error();
}

}  // namespace handmill::cli
