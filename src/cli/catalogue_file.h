// The catalogue that commands use: the one compiled in, or catalogue.json of handmill's home where
// that one is newer.
#pragma once

#include <string>

#include "base/result.h"
#include "measure/catalogue.h"

namespace handmill::cli {

struct UsedCatalogue {
  measure::Catalogue catalogue;
  std::string from;  // "built in", or the file's path
};
/// A file that does not parse is an error that names it.
Result<UsedCatalogue> used_catalogue();

}  // namespace handmill::cli
