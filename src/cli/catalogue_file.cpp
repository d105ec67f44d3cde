#include "cli/catalogue_file.h"

#include <filesystem>
#include <fmt/format.h>

#include "base/error.h"
#include "base/mapped_file.h"
#include "cli/home.h"

namespace handmill::cli {

Result<UsedCatalogue> used_catalogue() {
  auto built_in = measure::parse_catalogue(measure::built_in_catalogue());
  if (!built_in.ok()) return std::move(built_in).error();
  UsedCatalogue used{*std::move(built_in), "built in"};
  const std::string home = home_folder();
  const std::string path = home + "/catalogue.json";
  std::error_code ignored;
  if (home.empty() || !std::filesystem::exists(path, ignored)) return used;
  HANDMILL_TRY(const auto file, base::MappedFile::open(path));
  const auto bytes = file.bytes();
  auto newer =
      measure::parse_catalogue({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!newer.ok()) {
    const Error& error = newer.error();
    return base::make_error(error.code, "{}: {}", path, error.message);
  }
  if (newer->date > used.catalogue.date) used = {*std::move(newer), path};
  return used;
}

}  // namespace handmill::cli
