// From what a person typed to a model file: a path, or the name of a file in the models folder. One
// rule for every command.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace handmill::cli {

inline constexpr std::string_view kDefaultModel = "smollm2-135m-instruct-q4_1";

struct ModelFile {
  std::string name;  // "smollm2-135m-instruct-q4_1"; of a split file without "-00001-of-00003"
  std::string path;  // of a split file, the first part
};

/// "x.gguf" → "x", "x-00001-of-00003.gguf" → "x"; nothing for a later part or another file.
std::string name_of_file(std::string_view file);

/// The models in `folder`, by name. A folder that is not there holds none.
std::vector<ModelFile> list_models(const std::string& folder);

/// The file that `word` names: a path (it has a '/' or ends in ".gguf"), or a name in the models
/// folder; an empty word is the default model. Otherwise an error with the nearest name, and all
/// that are there.
Result<ModelFile> find_model(const std::string& word);

/// What `run` was given: the first word is the model if it names one that is there, and the rest,
/// joined, the prompt. Otherwise all is a prompt for the default model, be it one text or a
/// sentence without quotes; a word that was meant as a model is an error.
struct ModelAndPrompt {
  std::string model;  // for find_model
  std::string prompt;
};
Result<ModelAndPrompt> model_and_prompt(const std::vector<std::string>& words);

}  // namespace handmill::cli
