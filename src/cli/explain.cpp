// handmill explain: what a model asks of a machine, which limit binds in prefill and in decode, and
// the speed that follows, before any run.
#include <algorithm>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "backend/cpu/cpu.h"
#include "base/error.h"
#include "cli/command.h"
#include "cli/explain_ledger.h"
#include "cli/explain_report.h"
#include "cli/explain_subject.h"
#include "cli/machine_file.h"
#include "cli/other_machine.h"
#include "cli/output_file.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "engine/buffers.h"
#include "measure/machines.h"

namespace handmill::cli {
namespace {

using measure::Phase;

struct ExplainOptions {
  std::string model;
  std::vector<int> depths;
  int prompt = 512;
  int context = 8192;
  int threads = 0;
  std::string kv = "f16";
  std::string on;
  std::string plot;
  bool json = false;
  bool ledger = false;
  GpuFlags gpu;
};

constexpr int kMostTokens = 1 << 22;

Status check(const ExplainOptions& options) {
  const auto between = [](const char* flag, int value, int low) -> Status {
    if (value >= low && value <= kMostTokens) return {};
    return base::invalid("{}: {} is not between {} and {}", flag, value, low, kMostTokens);
  };
  for (const int depth : options.depths) HANDMILL_OK(between("--depth", depth, 0));
  HANDMILL_OK(between("--prompt", options.prompt, 1));
  HANDMILL_OK(between("--context", options.context, 1));
  return check_threads(options.threads);
}

Result<measure::GivenMachine> machine_of(const ExplainOptions& options) {
  if (!options.on.empty()) return other_machine(options.on, options.threads);
  HANDMILL_TRY(auto kept, kept_machine(options.threads));
  if (!kept)
    return base::not_found(
        "this machine has not been measured: `handmill probe` does it, or --on names another");
  return measure::GivenMachine{*std::move(kept), ""};
}

/// Those that were asked for; or empty, and far: as far as 8192, or the model's own context.
Result<std::vector<int>> depths_of(const ExplainOptions& options, int context) {
  for (const int depth : options.depths)
    if (depth >= context)
      return base::invalid("--depth: {} is beyond the model's context of {} tokens", depth,
                           context);
  if (!options.depths.empty()) return options.depths;
  std::vector<int> depths = {0};
  for (const int depth : {4096, 8192})
    if (depth < context) depths.push_back(depth);
  return depths;
}

Result<Explanation> explain(const ExplainOptions& options) {
  HANDMILL_TRY(const auto backend, backend::make_cpu_backend(1));
  HANDMILL_TRY(auto subject, find_subject(options.model, *backend));
  HANDMILL_TRY(auto given, machine_of(options));
  Explanation out;
  out.shape = std::move(subject.shape);
  out.model = std::move(subject.name);
  out.shape_from = std::move(subject.from);
  out.machine = std::move(given.machine);
  out.note = std::move(given.note);
  out.kv = options.kv;
  out.prompt = options.prompt;
  out.context = std::min(options.context, out.shape.config.context);
  const backend::KvType kv = kv_type(options.kv);
  const auto blocks =
      static_cast<uint64_t>((out.context + backend::kKvBlock - 1) / backend::kKvBlock);
  out.kv_bytes = blocks * out.shape.kv_block_bytes(kv);
  out.buffer_bytes = engine::buffer_bytes(out.shape.config, {});
  const auto past = options.on.empty() ? past_of(out.machine) : std::vector<measure::Pair>();
  const int chunk = engine::Options{}.prefill_chunk;
  HANDMILL_TRY(const auto depths, depths_of(options, out.shape.config.context));
  for (const int depth : depths) {
    ExplainedDepth at;
    at.depth = depth;
    HANDMILL_TRY(const auto decode, measure::predict_decode(out.shape, out.machine, kv, depth));
    HANDMILL_TRY(const auto prefill, measure::predict_prefill(out.shape, out.machine, kv,
                                                              options.prompt, depth, chunk));
    at.decode =
        measure::corrected(decode, past, {subject.digest, out.kv, Phase::kDecode, 1, depth});
    at.prefill = measure::corrected(
        prefill, past, {subject.digest, out.kv, Phase::kPrefill, options.prompt, depth});
    out.depths.push_back(at);
  }
  std::optional<measure::Machine> here;
  if (!options.on.empty()) {
    HANDMILL_TRY(here, kept_machine(options.threads));
  }
  HANDMILL_TRY(out.changes, find_changes(out.shape, out.machine, here ? &*here : nullptr,
                                         {kv, depths.back(), options.prompt, chunk}, out.context));
  if (options.on.empty()) {
    HANDMILL_TRY(out.gpu, find_gpu_plan(out.shape, options.gpu, options.threads, kv, out.context));
  }
  return out;
}

Result<int> explain_ledger(const ExplainOptions& options) {
  std::string name = options.model;
  if (const auto model = find_model(name); !name.empty() && model.ok()) name = model->name;
  HANDMILL_TRY(const LedgerAccount account, ledger_account(name));
  terminal::print(options.json ? boost::json::serialize(account.json) + "\n" : account.text);
  return kExitOk;
}

Result<int> explain_model(const ExplainOptions& options) {
  if (options.ledger) return explain_ledger(options);
  HANDMILL_TRY(const Explanation explanation, explain(options));
  if (!options.plot.empty()) HANDMILL_OK(write_file(options.plot, explanation_plot(explanation)));
  if (options.json) {
    fmt::print("{}\n", boost::json::serialize(explanation_json(explanation)));
  } else {
    terminal::print(explanation_text(explanation));
  }
  return kExitOk;
}

std::string machines_text() {
  std::string text = "Machines that --on knows, and what their figures leave out:\n";
  for (const measure::NamedMachine& named : measure::named_machines())
    text += fmt::format("  {:<15} {} GB/s, {} TFLOPS\n", named.name, named.read_bytes_s / 1e9,
                        named.ops_s / 1e12);
  return text +
         "Any other is written as its figures: 90GB/s,16TFLOPS,16GB (memory may be left out).\n"
         "A Vulkan device of this machine has the figures that probe kept, and the memory that is\n"
         "free now.";
}

}  // namespace

Action declare_explain(Args& args) {
  auto options = std::make_shared<ExplainOptions>();
  declare_model(args, options->model);
  args.option("-d,--depth", "N,…", options->depths,
              "Tokens in the cache before [0, 4096 and 8192, as the model allows]");
  args.option("-p,--prompt", "N", options->prompt, "Length of the prompt");
  args.option("--context", "N", options->context, "Tell the memory of so many tokens");
  args.option("--on", "MACHINE", options->on, kOnHelp);
  args.option("--plot", "FILE", options->plot, "Draw the roofline as SVG");
  args.flag("--json", options->json, "One JSON object");
  args.flag("--ledger", options->ledger,
            "How past predictions came out, of all models or of the one that is named");
  declare_kv(args, options->kv);
  declare_threads(args, options->threads);
  declare_gpu(args, options->gpu);
  args.check([options] { return check(*options); });
  args.note(
      "A step reads every weight once, and the keys and values of every position it sees; a\n"
      "multiply-add is two operations. Its time is the sum over the parts of the larger of bytes "
      "/\n"
      "rate and operations / rate, and what a layer costs beside them, where it was measured. A\n"
      "part's rates are those of handmill's kernels on this machine, as `handmill probe` measured\n"
      "them; of another machine they are assumed shares of its limits, and the error bar is wide.\n"
      "TTFT leaves out loading, tokenizing and sampling. GB are 10^9 bytes.");
  args.note(
      "What is told of this machine is corrected by its past runs (--ledger), and says so: each\n"
      "run, chat, bench and served request is held against its prediction, and the factor is the\n"
      "median of what they took over what the formula gave, weighed by how many they are. The\n"
      "error bar is then where nine of ten runs are to lie.");
  args.note(machines_text());
  args.note(
      "Examples:\n"
      "  handmill explain\n"
      "  handmill explain qwen2.5-coder-0.5b-q4_k_m -d 0,8192 --kv q8_0\n"
      "  handmill explain ./model.gguf --on 780M-DDR5-5600\n"
      "  handmill explain ./model.gguf --on gpu\n"
      "  handmill explain https://example.org/model.gguf            (fetches its header alone)\n"
      "  handmill explain hf:OWNER/NAME:Q4_K_M                      (from a hub; HF_ENDPOINT, "
      "HF_TOKEN)\n"
      "  handmill explain qwen2.5:7b-instruct-q4_K_M --on 4060Ti    (from the catalogue, without a "
      "file)\n"
      "  handmill explain --ledger                                  (how predictions came out)");
  return [options] { return explain_model(*options); };
}

}  // namespace handmill::cli
