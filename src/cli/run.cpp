// handmill run: one answer to a prompt, or the chat.
#include <boost/json.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/chat.h"
#include "cli/command.h"
#include "cli/follow.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/line_source.h"
#include "cli/printer.h"
#include "cli/report.h"
#include "cli/shares_text.h"
#include "cli/terminal.h"

namespace handmill::cli {
namespace {

struct RunOptions {
  std::vector<std::string> words;
  Parameters parameters;
  EngineFlags engine;
  Reporting reporting;
  std::optional<std::string> system;
  std::string format = "text";
  bool greedy = false;
  bool raw = false;
  bool special = false;
  bool chat = false;
};

constexpr const char* kNotes =
    "Which word is the model:\n"
    "  The first, if it names a model that is there (a file's path, or the name of a file in the\n"
    "  models folder); the rest is then the prompt. Otherwise all of it is a prompt for the "
    "default\n"
    "  model. Piped standard input joins the prompt. Without one, on a terminal, the chat opens;\n"
    "  /? there tells its commands.\n"
    "\n"
    "Examples:\n"
    "  handmill run \"What is the capital of France?\"\n"
    "  handmill run qwen2.5-coder-0.5b-q4_k_m \"Write a quicksort in C\" --temperature 0.2\n"
    "  git diff | handmill run \"Write a commit message for this change:\"\n"
    "  handmill run --format json --greedy --seed 1 \"Name three rivers\" > answer.json\n"
    "  handmill run                        # the chat";

/// The prompt's words, then what was piped in.
std::string join_prompt(const std::string& prompt, std::string piped, bool raw) {
  if (raw) return prompt + piped;
  while (!piped.empty() && (piped.back() == '\n' || piped.back() == '\r')) piped.pop_back();
  return prompt.empty() || piped.empty() ? prompt + piped : prompt + "\n\n" + piped;
}

Result<chat::Prompt> make_prompt(const Session& session, const RunOptions& options,
                                 const std::string& text) {
  if (options.raw) return raw_prompt(session, text, options.special);
  std::vector<chat::Message> messages;
  if (options.system) messages.push_back({"system", *options.system, {}});
  messages.push_back({"user", text, {}});
  return chat_prompt(session, messages);
}

Result<int> answer_once(const Session& session, const RunOptions& options,
                        const std::string& text) {
  HANDMILL_TRY(chat::Prompt prompt, make_prompt(session, options, text));
  const interrupt::Guard guard;
  if (options.format == "json") {
    HANDMILL_TRY(const Answer answer, generate(session, std::move(prompt.tokens),
                                               options.parameters, [](std::string_view) {}));
    fmt::print("{}\n", boost::json::serialize(answer_json(answer, session)));
    if (options.reporting.verbose) print_speed(answer, session, options.reporting);
    return answer.finish == engine::Finish::kCancelled ? kExitInterrupted : kExitOk;
  }
  HANDMILL_TRY(const Answer answer,
               print_answer(session, std::move(prompt), options.parameters, options.reporting));
  return answer.finish == engine::Finish::kCancelled ? kExitInterrupted : kExitOk;
}

Result<int> open_chat(std::unique_ptr<Session> session, const RunOptions& options,
                      const std::string& first) {
  std::unique_ptr<LineSource> lines =
      terminal::is_terminal(STDIN_FILENO) && terminal::is_terminal(STDOUT_FILENO)
          ? make_line_editor()
          : make_plain_lines();
  Chat chat(std::move(session), *lines, {options.parameters, options.reporting, options.system});
  return chat.run(first);
}

Status check(const RunOptions& options) {
  if (options.special && !options.raw)
    return base::invalid("--special works with --raw only: a chat template writes its own");
  if (options.raw && options.system)
    return base::invalid("--system has no place in a --raw prompt");
  if (options.chat && (options.raw || options.format == "json"))
    return base::invalid("--chat goes with neither --raw nor --format json");
  return sample::validate_ranges(options.parameters.sampling);
}

/// A question asked again gets the answer it got, here and on any other machine. In a conversation
/// one may want another answer to the same words.
constexpr uint64_t kSeedOfOneAnswer = 1;

Result<int> run(RunOptions& options) {
  if (options.greedy) options.parameters.sampling.temperature = 0;
  HANDMILL_TRY(const ModelAndPrompt request, model_and_prompt(options.words));
  HANDMILL_TRY(const ModelFile model, find_model(request.model));

  const bool input_is_terminal = terminal::is_terminal(STDIN_FILENO);
  const bool chat = options.chat || (request.prompt.empty() && input_is_terminal &&
                                     terminal::is_terminal(STDOUT_FILENO) &&
                                     options.format == "text" && !options.raw);
  std::string text = request.prompt;
  if (!chat && (!input_is_terminal || text.empty())) {
    HANDMILL_TRY(std::string piped,
                 read_all(STDIN_FILENO, "standard input",
                          "handmill: reading the prompt from standard input; Ctrl-D ends it, "
                          "< /dev/null leaves it out"));
    text = join_prompt(request.prompt, std::move(piped), options.raw);
  }
  if (!chat && text.empty())
    return base::invalid("there is no prompt: give one as an argument or on standard input");

  HANDMILL_TRY(auto session, Session::open(model, options.engine));
  auto& sampling = options.parameters.sampling;
  if (!chat && !sampling.seed && !options.parameters.any_seed) sampling.seed = kSeedOfOneAnswer;
  HANDMILL_OK(sample::validate(sampling, session->tokenizer().vocab_size()));
  return chat ? open_chat(std::move(session), options, text) : answer_once(*session, options, text);
}

}  // namespace

Action declare_run(Args& args) {
  auto options = std::make_shared<RunOptions>();
  args.positional("[MODEL] [PROMPT]", options->words, "A model's name or path, and what to ask it");
  args.option("--system", "TEXT", options->system,
              "Instructions that stand before the conversation");
  args.flag("--verbose", options->reporting.verbose,
            "After each answer: load, TTFT, PP, TPOT, TG and token counts");
  args.flag("-q,--quiet", options->reporting.quiet, "No speed line after the answer");
  args.choice("--format", {"text", "json"}, options->format,
              "json: one object for the answer, its timings and counts [text]");
  args.flag("--chat", options->chat, "Open the chat even where input is piped, a line a turn");
  args.flag("--raw", options->raw, "Continue the text as it is, without the chat template");
  args.flag("--special", options->special, "With --raw: control tokens in the text count");
  args.group("Answer");
  args.flag("--greedy", options->greedy, "Always the likeliest token (--temperature 0)");
  declare_parameters(args, options->parameters);
  declare_engine(args, options->engine);
  declare_speculation(args, options->engine.speculation);
  args.check([options] { return check(*options); });
  args.note(kSharesNote);
  args.note(kGpuNote);
  args.note(kLedgerNote);
  args.note(kNotes);
  return [options] { return run(*options); };
}

}  // namespace handmill::cli
