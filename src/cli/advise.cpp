// handmill advise: which model, in which quantization, for which job on which machine, and why.
#include <boost/json.hpp>
#include <fmt/format.h>

#include "backend/cpu/cpu.h"
#include "base/error.h"
#include "cli/advise_report.h"
#include "cli/command.h"
#include "cli/machine_file.h"
#include "cli/other_machine.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "measure/machines.h"

namespace handmill::cli {
namespace {

struct AdviseOptions {
  std::string role = "all";
  std::string licence = "any";
  std::string on;
  double memory = 0;  // bytes; 0: the machine's
  int threads = 0;
  bool json = false;
};

Result<measure::GivenMachine> machine_of(const AdviseOptions& options) {
  measure::GivenMachine given;
  if (!options.on.empty()) {
    HANDMILL_TRY(given, other_machine(options.on, options.threads));
  } else {
    HANDMILL_TRY(auto kept, kept_machine(options.threads));
    if (!kept)
      return base::not_found(
          "this machine has not been measured: `handmill probe` does it in some seconds, or --on "
          "names another");
    given.machine = *std::move(kept);
  }
  if (options.memory > 0) given.machine.memory_bytes = {options.memory, measure::Source::kGiven};
  if (!given.machine.memory_bytes.known())
    return base::invalid("how much memory {} has depends on what was bought: --memory 8G says it",
                         given.machine.name);
  return given;
}

Result<int> give_advice(const AdviseOptions& options) {
  HANDMILL_TRY(const UsedCatalogue used, used_catalogue());
  HANDMILL_TRY(auto machine, machine_of(options));
  HANDMILL_TRY(const auto backend, backend::make_cpu_backend(1));
  AdviceGiven given{&used,
                    std::move(machine.machine),
                    options.on,
                    std::move(machine.note),
                    options.licence == "commercial",
                    {}};
  for (const measure::Role& role : measure::roles()) {
    if (options.role != "all" && options.role != role.name) continue;
    HANDMILL_TRY(auto advice, measure::advise(used.catalogue, role, given.machine,
                                              {given.commercial_only}, *backend));
    given.advice.push_back(std::move(advice));
  }
  if (options.json) {
    fmt::print("{}\n", boost::json::serialize(advice_json(given)));
  } else {
    terminal::print(advice_text(given));
  }
  return kExitOk;
}

std::string roles_text() {
  std::string text = "Roles:\n";
  for (const measure::Role& role : measure::roles())
    text += fmt::format("  {:<10}{}\n", role.name, role.what);
  text.pop_back();
  return text;
}

}  // namespace

Action declare_advise(Args& args) {
  auto options = std::make_shared<AdviseOptions>();
  std::vector<std::string> roles = {"all"};
  for (const measure::Role& role : measure::roles()) roles.emplace_back(role.name);
  args.choice("-r,--role", roles, options->role, "What the model is for");
  args.option(
      "--memory", "SIZE",
      [options](const std::vector<std::string>& values) -> Status {
        HANDMILL_TRY(const uint64_t bytes, parse_bytes(values.back()));
        options->memory = static_cast<double>(bytes);
        return {};
      },
      "Memory that there is, such as 8G [the machine's]");
  args.option("--on", "MACHINE", options->on, kOnHelp);
  args.choice("--licence", {"any", "commercial"}, options->licence,
              "Only models whose licence allows commercial use");
  args.flag("--json", options->json, "One JSON object, with every model that was refused and why");
  declare_threads(args, options->threads);
  args.note(roles_text());
  args.note(
      "In this order, and nothing makes up for anything before it: the licence; weights, cache "
      "and\n"
      "buffers fit, with a tenth of the memory and at least 1 GB to spare; the speed of writing "
      "at\n"
      "half the context, and the time to the first token, at the slow end of their error bars; "
      "then\n"
      "the role's published scores, less what the quantization loses. docs/ADVICE.md has the "
      "numbers.\n"
      "`handmill explain --help` lists the machines that --on knows. A catalogue.json in "
      "handmill's\nhome replaces the built-in catalogue where it is newer.");
  args.note(
      "Examples:\n"
      "  handmill advise\n"
      "  handmill advise --role chat-zh --memory 8G\n"
      "  handmill advise --role code --on 4060Ti --memory 16G --licence commercial");
  return [options] { return give_advice(*options); };
}

}  // namespace handmill::cli
