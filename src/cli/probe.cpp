// handmill probe: what this machine can do at most, and what the kernels reach of it, measured and
// kept for the commands that predict.
#include <boost/json.hpp>
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/machine_file.h"
#include "cli/probe_report.h"
#include "cli/progress_bar.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "cli/utf8.h"
#include "measure/survey.h"
#include "probe/machine.h"

namespace handmill::cli {
namespace {

struct ProbeOptions {
  int threads = 0;
  bool json = false;
};

/// A file that is surely there: the default model's, or the program's own.
std::string disk_path() {
  const auto model = find_model("");
  return model.ok() ? model->path : "/proc/self/exe";
}

Result<measure::Survey> survey_machine(int threads) {
  HANDMILL_TRY(const probe::Machine system, probe::read_machine());
  ProgressBar bar("Measuring", ProgressBar::Unit::kSteps);
  return measure::survey(threads > 0 ? threads : system.threads_best(), disk_path(),
                         bar.callback());
}

void print_text(const measure::Survey& survey, const std::string& kept) {
  terminal::print(survey_text(survey) + "\n");
  for (const std::string& refusal : survey.noise.refusals) fmt::print("refused: {}\n", refusal);
  if (kept.empty())
    fmt::print("These figures are not kept; measure again when the machine is quiet.\n");
  else
    fmt::print("kept in {}\n", kept);
}

Result<int> probe_machine(const ProbeOptions& options) {
  HANDMILL_TRY(measure::Survey survey, survey_machine(options.threads));
  std::string kept;
  if (!survey.noise.refused()) {
    HANDMILL_OK(keep_machine(survey.machine));
    kept = machine_path(survey.machine);
  }
  if (options.json) {
    survey.disk.path = valid_utf8(survey.disk.path);
    survey.disk.why_unknown = valid_utf8(survey.disk.why_unknown);
    boost::json::object object = measure::to_json(survey);
    object["kept"] =
        kept.empty() ? boost::json::value(nullptr) : boost::json::value(valid_utf8(kept));
    fmt::print("{}\n", boost::json::serialize(object));
  } else {
    print_text(survey, kept);
  }
  return kept.empty() ? kExitFailed : kExitOk;
}

}  // namespace

Action declare_probe(Args& args) {
  auto options = std::make_shared<ProbeOptions>();
  args.flag("--json", options->json, "One JSON object; what is unknown is null");
  declare_threads(args, options->threads);
  args.note(probe_figures_text());
  args.note(
      "The figures are kept in ~/.local/share/handmill/machines, in one file for each processor,\n"
      "instruction set and number of threads.\n"
      "Examples:\n"
      "  handmill probe\n"
      "  handmill probe --json | jq .machine");
  return [options] { return probe_machine(*options); };
}

}  // namespace handmill::cli
