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

bool has_space(std::string_view text) {
  return text.find_first_of(" \t\r\n") != std::string_view::npos;
}

/// Whether someone who typed this meant a model, though none is there: a file's name, nearly the
/// name of one, or made as such names are ("llama3", "qwen2.5:7b").
bool reads_as_model(std::string_view word) {
  if (has_space(word)) return false;
  if (word.ends_with(kExtension) || nearest(word, names_of(list_models(models_folder()))))
    return true;
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !word.empty() && is_lower(word[0]) && std::any_of(word.begin(), word.end(), is_digit) &&
         std::all_of(word.begin(), word.end(), [&](char c) {
           return is_lower(c) || is_digit(c) || std::string_view("-_.:").find(c) != word.npos;
         });
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) out += (i > 0 ? " " : "") + words[i];
  return out;
}

Error unknown_model(const std::string& word, const std::vector<ModelFile>& models) {
  const auto names = names_of(models);
  return base::not_found("no model is named {}{}; {}", base::quoted(word),
                         did_you_mean(word, names), listed(names));
}

}  // namespace

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
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  auto model = find_model(first);
  if (first.empty() || model.ok()) return ModelAndPrompt{first, joined(rest)};

  // Who quotes a prompt meant the word before it as a model; a sentence without quotes is three
  // words or more.
  const bool sentence = words.size() >= 3 && std::none_of(words.begin(), words.end(), has_space);
  if (rest.empty() ? !reads_as_model(first) : sentence && !is_path(first) && !reads_as_model(first))
    return ModelAndPrompt{"", joined(words)};
  return base::not_found("{}; {}", model.error().message,
                         rest.empty() ? "a prompt of this one word needs an empty model before "
                                        "it: \"\""
                                      : "put a prompt of several words in quotes");
}

}  // namespace handmill::cli
