// Token ids written as text: numbers with spaces, commas or line feeds between them, and brackets
// around them if one likes, so that `tokenize --json` can be read as it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"

namespace handmill::cli {

/// `name` stands for the file in errors; every id is held against `vocab`.
Result<std::vector<text::Token>> parse_tokens(std::string_view text, int vocab,
                                              const std::string& name);

}  // namespace handmill::cli
