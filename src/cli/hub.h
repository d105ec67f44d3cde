// Names of models that lie elsewhere: addresses, and the short forms of a hub of models that speaks
// as Hugging Face's does. Which hub, HF_ENDPOINT says (https://huggingface.co without it); HF_TOKEN
// goes to that one alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/client.h"

namespace handmill::cli {

/// Whether `word` names something elsewhere: it begins with http://, https://, hf: or hf.co/.
bool is_remote(std::string_view word);

/// A file, or a repository of which one is to be chosen.
struct HubName {
  std::string repository;  // "OWNER/NAME"
  std::string revision = "main";
  std::string file = {};  // with its folders, or empty
  std::string tag = {};   // that the chosen file's name has as a word ("Q4_K_M"), or empty
};
/// hf:OWNER/NAME[:TAG], hf:OWNER/NAME/FILE.gguf, the same after hf.co/ (with or without https://),
/// and pages and files of the hub (…/blob/REVISION/FILE). Nothing for other addresses; an Error for
/// what begins so and is none of it.
Result<std::optional<HubName>> parse_hub_name(std::string_view word);

/// The GGUF file with this tag among `files`; without one Q4_K_M, or the only one. Of a split file
/// its first part. An Error lists what there is to choose from.
Result<std::string> choose_file(const HubName& name, const std::vector<std::string>& files);

/// Where a remote name's file lies, and the headers for that host alone; asks the hub which files a
/// repository has, where that must be known.
struct RemoteModel {
  std::string url;
  std::vector<net::Header> secrets;
};
Result<RemoteModel> find_remote(net::Client& client, const std::string& word);

/// A status in words, and what may help.
Error refusal(const net::Response& response);

}  // namespace handmill::cli
