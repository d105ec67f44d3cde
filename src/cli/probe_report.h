// A survey of the machine as people read it: a table whose every figure says where it comes from.
#pragma once

#include <string>

#include "measure/survey.h"

namespace handmill::cli {

std::string survey_text(const measure::Survey& survey);

/// What the words and figures mean, for the help page.
std::string probe_figures_text();

}  // namespace handmill::cli
