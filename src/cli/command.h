// What a command is: a name, a line for the list, and a function that declares its arguments and
// gives back what to do with them. The table of all of them is in commands.cpp.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/args.h"

namespace handmill::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitInterrupted = 130;  // as shells report an end by Ctrl-C

/// Does the command's work; gives the exit code.
using Action = std::function<Result<int>()>;

struct Command {
  std::string_view name;
  std::string_view summary;
  Action (*declare)(Args& args);
};

// One file each.
Action declare_run(Args& args);
Action declare_prepare(Args& args);
Action declare_show(Args& args);
Action declare_tokenize(Args& args);
Action declare_logits(Args& args);
Action declare_bench(Args& args);
Action declare_bench_compare(Args& args);
Action declare_probe(Args& args);
Action declare_explain(Args& args);
Action declare_advise(Args& args);
Action declare_serve(Args& args);

std::span<const Command> commands();

/// Runs the program: the command's exit code. Errors go to standard error.
int run_program(const std::vector<std::string>& words);

}  // namespace handmill::cli
