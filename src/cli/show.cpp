// handmill show: what a model file holds and what it needs, without loading it.
#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/model_header.h"
#include "cli/session.h"
#include "cli/show_facts.h"
#include "cli/terminal.h"

namespace handmill::cli {
namespace {

struct ShowOptions {
  std::string model;
  int threads = 0;
  bool json = false;
  bool chat_template = false;
};

Result<int> show(const ShowOptions& options) {
  HANDMILL_TRY(const ModelHeader model, open_model_header(options.model));
  const auto& file = model.file;
  if (options.chat_template) {
    auto text = file->get_string("tokenizer.chat_template");
    if (!text.ok()) return base::not_found("{}: holds no chat template", file->path());
    terminal::print(std::string(*text) + "\n");
    return kExitOk;
  }
  HANDMILL_TRY(const ModelFacts facts, model_facts(*file));
  if (options.json) {
    boost::json::object object = facts_json(facts);
    object["metadata"] = metadata_json(*file);
    fmt::print("{}\n", boost::json::serialize(object));
  } else {
    terminal::print(facts_text(facts) + "\n" + metadata_text(*file));
  }
  return kExitOk;
}

}  // namespace

Action declare_show(Args& args) {
  auto options = std::make_shared<ShowOptions>();
  declare_model(args, options->model);
  args.flag("--json", options->json, "One JSON object; long arrays and texts are shortened");
  args.flag("--template", options->chat_template, "Only the chat template, as it is in the file");
  declare_threads(args, options->threads);
  args.note(
      "Examples:\n"
      "  handmill show\n"
      "  handmill show ./model.gguf --json | jq .tensor_types\n"
      "  handmill show hf:OWNER/NAME:Q4_K_M    # reads its header alone");
  return [options] { return show(*options); };
}

}  // namespace handmill::cli
