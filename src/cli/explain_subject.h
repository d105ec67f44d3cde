// What `explain` explains: a model file that is here, one elsewhere of which the header is fetched,
// or an entry of the catalogue without a file.
#pragma once

#include <string>

#include "backend/backend.h"
#include "base/result.h"
#include "measure/shape.h"

namespace handmill::cli {

struct Subject {
  std::string name;
  measure::Shape shape;
  std::string digest;  // names it in the ledger; empty without a file
  std::string from;    // where the shape comes from: "the file", "the catalogue of 2026-11-25 …"
};
/// `word` as for find_model, or a remote name (hub.h); where no such file is here, as the catalogue
/// has names: "qwen2.5:7b-instruct-q4_K_M".
Result<Subject> find_subject(const std::string& word, const backend::Backend& backend);

}  // namespace handmill::cli
