#include "cli/model_name.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/error.h"
#include "base/quote.h"
#include "cli/home.h"
#include "cli/suggest.h"

namespace handmill::cli {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kExtension = ".gguf";
constexpr size_t kMostNames = 12;  // in a message

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// "x.gguf" → "x", "x-00001-of-00003.gguf" → "x"; nothing for a later part or another file.
std::string name_of_file(std::string_view file) {
  if (!file.ends_with(kExtension) || file.size() == kExtension.size()) return "";
  std::string_view stem = file.substr(0, file.size() - kExtension.size());
  constexpr size_t kSuffix = 15;  // "-00001-of-00003"
  if (stem.size() > kSuffix) {
    const std::string_view suffix = stem.substr(stem.size() - kSuffix);
    if (suffix[0] == '-' && suffix.substr(6, 4) == "-of-" && is_digits(suffix.substr(1, 5)) &&
        is_digits(suffix.substr(10)))
      return suffix.substr(1, 5) == "00001" ? std::string(stem.substr(0, stem.size() - kSuffix))
                                            : "";
  }
  return std::string(stem);
}

bool is_path(std::string_view word) {
  return word.find('/') != std::string_view::npos || word.ends_with(kExtension);
}

bool is_file(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

std::vector<std::string> names_of(const std::vector<ModelFile>& models) {
  std::vector<std::string> names;
  for (const ModelFile& model : models) names.push_back(model.name);
  return names;
}

std::string listed(const std::vector<std::string>& names) {
  if (names.empty()) return "there is none in " + models_folder();
  std::string out = "there are: ";
  for (size_t i = 0; i < names.size() && i < kMostNames; ++i) out += (i > 0 ? ", " : "") + names[i];
  if (names.size() > kMostNames) out += ", …";
  return out;
}

const ModelFile* find_name(const std::vector<ModelFile>& models, std::string_view name) {
  auto at = std::find_if(models.begin(), models.end(),
                         [&](const ModelFile& model) { return model.name == name; });
  return at == models.end() ? nullptr : &*at;
}

Error unknown_model(const std::string& word, const std::vector<ModelFile>& models) {
  const auto names = names_of(models);
  return base::not_found("no model is named {}{}; {}", base::quoted(word),
                         did_you_mean(word, names), listed(names));
}

}  // namespace

std::vector<ModelFile> list_models(const std::string& folder) {
  std::vector<ModelFile> models;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code unreadable;
    std::string name = name_of_file(at->path().filename().string());
    if (!name.empty() && at->is_regular_file(unreadable))
      models.push_back({std::move(name), at->path().string()});
  }
  std::sort(models.begin(), models.end(),
            [](const ModelFile& a, const ModelFile& b) { return a.name < b.name; });
  return models;
}

Result<ModelFile> find_model(const std::string& word) {
  const auto models = list_models(models_folder());
  const std::string name = word.empty() ? std::string(kDefaultModel) : word;
  if (const ModelFile* model = find_name(models, name)) return *model;
  if (word.empty())
    return base::not_found(
        "the default model {} is not in {} yet; ./run --setup fetches it (or name one: {})",
        kDefaultModel, models_folder(), listed(names_of(models)));
  if (!is_path(word)) return unknown_model(word, models);
  if (is_file(word)) {
    std::string stem = name_of_file(fs::path(word).filename().string());
    return ModelFile{stem.empty() ? fs::path(word).filename().string() : stem, word};
  }
  // "NAME.gguf" for a file of the models folder is what a shell's completion leaves behind.
  if (const ModelFile* model = find_name(models, name_of_file(word))) return *model;
  std::error_code error;
  if (fs::exists(word, error)) return base::invalid("{}: not a regular file", word);
  return base::not_found("{}: there is no such file; {}", base::quoted(word),
                         listed(names_of(models)));
}

Result<ModelAndPrompt> model_and_prompt(const std::vector<std::string>& words) {
  if (words.empty()) return ModelAndPrompt{};
  const std::string& first = words[0];
  std::string rest;
  for (size_t i = 1; i < words.size(); ++i) rest += (i > 1 ? " " : "") + words[i];
  const bool many = words.size() > 1;
  auto model = find_model(first);
  if (first.empty()) return ModelAndPrompt{"", rest};
  if (model.ok()) return ModelAndPrompt{first, rest};

  const bool sentence = first.find_first_of(" \t\n") != std::string::npos;
  if (many && sentence)
    return base::not_found(
        "{} (several arguments: the first is the model, so a prompt needs "
        "quotes)",
        model.error().message);
  // A prompt may hold a path or a word; a lone ".gguf" or a name that almost fits is a mistake.
  const auto names = names_of(list_models(models_folder()));
  const bool meant = !sentence && (first.ends_with(kExtension) || nearest(first, names));
  if (many || meant)
    return base::not_found("{}{}", model.error().message,
                           many ? "; put a prompt of several words in quotes" : "");
  return ModelAndPrompt{"", first};
}

}  // namespace handmill::cli
