// The program around the commands: finds the command, prints help and errors, and turns both into
// exit codes: 0, 1 for a failure, 2 for a mistake in the arguments, 130 after Ctrl-C.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fmt/format.h>
#include <new>
#include <span>

#include "cli/command.h"
#include "cli/home.h"
#include "cli/suggest.h"
#include "cli/terminal.h"
#include "cli/wrap.h"

namespace handmill::cli {
namespace {

std::string general_help() {
  std::string out =
      "handmill runs large language models on your own machine.\n\n"
      "Usage: handmill COMMAND [arguments] [options]\n\nCommands:\n";
  for (const Command& command : commands())
    out += wrap_entry(command.name, command.summary, 14, kHelpWidth);
  out += wrap_entry("help", "Print this page, or that of a command: handmill help run", 14,
                    kHelpWidth);
  out += wrap_entry("version", "Print the version", 14, kHelpWidth);
  out += fmt::format(
      "\nExamples:\n"
      "  handmill run \"What is the capital of France?\"\n"
      "  handmill run                        # opens the chat\n"
      "  handmill bench -p 512 -n 128\n"
      "\nModels are looked for in {}\n"
      "($HANDMILL_HOME, else $XDG_DATA_HOME/handmill, else ~/.local/share/handmill; there in "
      "models/).\nhandmill COMMAND --help tells all about a command.\n",
      models_folder());
  return out;
}

int fail(std::string_view message, int code) {
  std::fflush(stdout);
  // A message may quote a model file: what its template refuses with, for one.
  fmt::print(stderr, "handmill: {}\n", terminal::printable(message));
  return code;
}

const Command* find_command(std::string_view name) {
  for (const Command& command : commands())
    if (command.name == name) return &command;
  return nullptr;
}

/// A command's words are the first one or two of these; nothing where there is no such command.
struct Found {
  const Command* command = nullptr;
  size_t words = 0;
};
Found find_command(std::span<const std::string> words) {
  if (words.size() > 1)
    if (const Command* command = find_command(words[0] + " " + words[1])) return {command, 2};
  return {find_command(words[0]), 1};
}

int unknown_command(const std::string& name) {
  std::vector<std::string> names = {"help", "version"};
  for (const Command& command : commands()) names.emplace_back(command.name);
  if (name.starts_with('-')) {
    const std::vector<std::string> flags = {"--help", "--version"};
    return fail(fmt::format("unknown option {}{}; options stand after a command, see handmill "
                            "--help",
                            name, did_you_mean(name, flags)),
                kExitUsage);
  }
  return fail(
      fmt::format("unknown command {}{}; see handmill --help", name, did_you_mean(name, names)),
      kExitUsage);
}

int run_command(const Command& command, const std::vector<std::string>& words) {
  Args args{std::string(command.name)};
  const Action action = command.declare(args);
  auto outcome = args.parse(words);
  if (!outcome.ok()) return fail(outcome.error().message, kExitUsage);
  if (*outcome == Args::Outcome::kHelp) {
    fmt::print("{}", args.help(command.summary));
    return kExitOk;
  }
  auto code = action();
  return code.ok() ? *code : fail(code.error().message, kExitFailed);
}

int dispatch(const std::vector<std::string>& words) {
  const std::string first = words.empty() ? "help" : words[0];
  if (first == "version" || first == "--version" || first == "-V") {
    fmt::print("handmill {}\n", HANDMILL_VERSION);
    return kExitOk;
  }
  if (first == "help" && words.size() > 1) {
    const Found found = find_command(std::span(words).subspan(1));
    return found.command ? run_command(*found.command, {"--help"}) : unknown_command(words[1]);
  }
  if (first == "help" || first == "--help" || first == "-h") {
    fmt::print("{}", general_help());
    return kExitOk;
  }
  const Found found = find_command(words);
  if (found.command == nullptr) return unknown_command(first);
  return run_command(*found.command,
                     {words.begin() + static_cast<std::ptrdiff_t>(found.words), words.end()});
}

}  // namespace

int run_program(const std::vector<std::string>& words) {
  int code = kExitFailed;
  try {
    code = dispatch(words);
  } catch (const std::bad_alloc&) {
    return fail("out of memory", kExitFailed);
  } catch (const std::exception& error) {  // ours never come this far; the libraries' might
    return fail(error.what(), kExitFailed);
  }
  // A full disk shows only now; an exit code of 0 would be a lie.
  if (std::fflush(stdout) != 0 || std::ferror(stdout))
    return fail(fmt::format("cannot write to standard output: {}", std::strerror(errno)),
                kExitFailed);
  return code;
}

}  // namespace handmill::cli
