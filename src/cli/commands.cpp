// The table of commands.
#include <array>

#include "cli/command.h"

namespace handmill::cli {

std::span<const Command> commands() {
  static constexpr std::array kCommands = {
      Command{"run", "Answer a prompt, or open a chat", declare_run},
      Command{"serve", "Serve models to OpenAI, Ollama and Anthropic clients", declare_serve},
      Command{"prepare", "Keep a model's packed weights, so that it starts at once",
              declare_prepare},
      Command{"show", "Tell what a model file holds and what it needs", declare_show},
      Command{"tokenize", "Turn text on standard input into token ids", declare_tokenize},
      Command{"logits", "Write a model's logits for a list of tokens", declare_logits},
      Command{"bench", "Measure prefill and decode speed", declare_bench},
      Command{"bench compare", "Tell whether a second bench is worse than a first",
              declare_bench_compare},
      Command{"explain", "Tell what decides a model's speed on a machine, and predict it",
              declare_explain},
      Command{"advise", "Recommend a model for a job on a machine, and say why", declare_advise},
      Command{"probe", "Measure what this machine can do at most", declare_probe},
  };
  return kCommands;
}

}  // namespace handmill::cli
