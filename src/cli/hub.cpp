#include "cli/hub.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"
#include "base/quote.h"
#include "net/url.h"

namespace handmill::cli {
namespace {

constexpr std::string_view kUsualEndpoint = "https://huggingface.co";
constexpr std::string_view kUsualTag = "Q4_K_M";
constexpr uint64_t kMaxListBytes = 32 << 20;
constexpr size_t kMostNames = 30;  // in a message

bool take(std::string_view& text, std::string_view begin) {
  if (!text.starts_with(begin)) return false;
  text.remove_prefix(begin.size());
  return true;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// What stands before the next '/'; takes both off.
std::string_view next_piece(std::string_view& path) {
  const std::string_view piece = path.substr(0, path.find('/'));
  path.remove_prefix(std::min(piece.size() + 1, path.size()));
  return piece;
}

bool is_name(std::string_view text) {
  return !text.empty() && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_word_char(c) || c == '-' || c == '.'; });
}

std::string_view base_of(std::string_view file) { return file.substr(file.rfind('/') + 1); }

/// A model's file, or the first of a split one; not what a vision model has beside it.
bool is_model(std::string_view file) {
  const std::string base = lower(base_of(file));
  if (!base.ends_with(".gguf") || base.starts_with("mmproj")) return false;
  const size_t of = base.rfind("-of-");
  const bool is_part = of != base.npos && of >= 6 && base[of - 6] == '-' &&
                       base.find_first_not_of("0123456789", of - 5) == of;
  return !is_part || base.substr(of - 5, 5) == "00001";
}

/// Whether a file's name has `tag` with no letter, digit or underscore beside it.
bool has_tag(std::string_view file, std::string_view tag) {
  const std::string base = lower(base_of(file)), wanted = lower(tag);
  for (size_t at = base.find(wanted); at != base.npos; at = base.find(wanted, at + 1)) {
    const size_t end = at + wanted.size();
    if ((at == 0 || !is_word_char(base[at - 1])) &&
        (end == base.size() || !is_word_char(base[end])))
      return true;
  }
  return false;
}

std::string listed(const std::vector<std::string>& files) {
  std::string out;
  for (size_t i = 0; i < files.size() && i < kMostNames; ++i) out += (i > 0 ? ", " : "") + files[i];
  return out + (files.size() > kMostNames ? ", …" : "");
}

std::string encoded(std::string_view path) {
  std::string out;
  while (!path.empty()) out += "/" + net::path_piece(next_piece(path));
  return out;
}

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  std::string_view text = value == nullptr ? "" : value;
  constexpr std::string_view kSpace = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  return std::string(text.substr(0, text.find_last_not_of(kSpace) + 1));
}

std::string endpoint() {
  std::string text = from_environment("HF_ENDPOINT");
  while (text.ends_with('/')) text.pop_back();
  return text.empty() ? std::string(kUsualEndpoint) : text;
}

Result<std::vector<std::string>> list_files(net::Client& client, const HubName& name,
                                            const std::vector<net::Header>& secrets) {
  const std::string url =
      endpoint() + "/api/models" + encoded(name.repository) + "/revision" + encoded(name.revision);
  HANDMILL_TRY(const auto response, client.fetch({.url = url, .secrets = secrets}, kMaxListBytes));
  if (response.status != 200) return refusal(response);
  HANDMILL_TRY(const auto said, base::parse_json(response.body));
  const auto* object = said.if_object();
  const auto* siblings = object != nullptr ? object->if_contains("siblings") : nullptr;
  if (siblings == nullptr || !siblings->is_array())
    return base::invalid("{}: what answers there does not list files as a hub does", url);
  std::vector<std::string> files;
  for (const auto& sibling : siblings->get_array()) {
    const auto* file =
        sibling.is_object() ? sibling.get_object().if_contains("rfilename") : nullptr;
    if (file != nullptr && file->is_string()) files.emplace_back(file->get_string());
  }
  return files;
}

}  // namespace

bool is_remote(std::string_view word) {
  return word.starts_with("http://") || word.starts_with("https://") || word.starts_with("hf:") ||
         word.starts_with("hf.co/");
}

Result<std::optional<HubName>> parse_hub_name(std::string_view word) {
  std::string_view rest = word;
  if (!take(rest, "hf:")) {
    take(rest, "https://");
    if (!take(rest, "hf.co/") && !take(rest, "huggingface.co/")) return std::optional<HubName>{};
  }
  rest = rest.substr(0, rest.find_first_of("?#"));
  HubName name;
  const std::string_view owner = next_piece(rest);
  std::string_view model = next_piece(rest);
  const size_t colon = model.find(':');
  if (colon != model.npos) {
    name.tag = model.substr(colon + 1);
    model = model.substr(0, colon);
  }
  bool is_good = colon == model.npos || (is_name(name.tag) && rest.empty());
  if (take(rest, "blob/") || take(rest, "resolve/")) {
    name.revision = next_piece(rest);
    is_good = is_good && !rest.empty();
  } else if (take(rest, "tree/")) {
    name.revision = next_piece(rest);
    is_good = is_good && rest.empty();
  }
  if (!is_good || !is_name(owner) || !is_name(model) || !is_name(name.revision))
    return base::invalid(
        "{}: not a model of a hub; hf:OWNER/NAME, hf:OWNER/NAME:Q4_K_M or hf:OWNER/NAME/FILE.gguf "
        "would be right",
        base::quoted(word));
  name.repository = fmt::format("{}/{}", owner, model);
  name.file = rest;
  return std::optional(std::move(name));
}

Result<std::string> choose_file(const HubName& name, const std::vector<std::string>& files) {
  std::vector<std::string> models, chosen;
  std::copy_if(files.begin(), files.end(), std::back_inserter(models), is_model);
  if (models.empty())
    return base::not_found("{} has no GGUF file; look for a repository whose name ends in GGUF",
                           name.repository);
  const std::string_view tag = name.tag.empty() ? kUsualTag : std::string_view(name.tag);
  std::copy_if(models.begin(), models.end(), std::back_inserter(chosen),
               [&](const std::string& file) { return has_tag(file, tag); });
  if (name.tag.empty() && models.size() == 1) chosen = models;
  if (chosen.size() == 1) return chosen[0];
  if (chosen.empty())
    return base::not_found("{} has no {} file; there are: {}", name.repository, tag,
                           listed(models));
  return base::invalid("{} has several {} files, name one as hf:{}/FILE: {}", name.repository, tag,
                       name.repository, listed(chosen));
}

Error refusal(const net::Response& response) {
  Error error = net::status_error(response);
  const bool is_about_account = response.status == 401 || response.status == 403;
  if (is_about_account && response.url.starts_with(endpoint() + "/") &&
      from_environment("HF_TOKEN").empty())
    error.message += "; there is no such model, or it wants an account: HF_TOKEN is not set";
  return error;
}

Result<RemoteModel> find_remote(net::Client& client, const std::string& word) {
  HANDMILL_TRY(auto name, parse_hub_name(word));
  if (!name) return RemoteModel{word, {}};
  RemoteModel model;
  const std::string token = from_environment("HF_TOKEN");
  if (!token.empty()) model.secrets.push_back({"Authorization", "Bearer " + token});
  if (name->file.empty()) {
    HANDMILL_TRY(const auto files, list_files(client, *name, model.secrets));
    HANDMILL_TRY(name->file, choose_file(*name, files));
  }
  model.url = endpoint() + encoded(name->repository) + "/resolve" + encoded(name->revision) +
              encoded(name->file);
  return model;
}

}  // namespace handmill::cli
