#include "measure/roles.h"

#include <algorithm>

namespace handmill::measure {
namespace {

constexpr double kReading = 10;  // tokens a second: as fast as people read

constexpr std::array kRoles = {
    Role{.name = "quick",
         .what = "short jobs that should be done at once: translate a sentence, write a comment",
         .evidence = {{{"IFEval strict prompt"}, {"MMLU-Redux"}}},
         .language = "",
         .context = 4096,
         .prompt = 128,
         .ttft_max_s = 0.7,
         .tg_min = 20},
    Role{.name = "chat-zh",
         .what = "conversation in Chinese",
         .evidence = {{{"C-Eval"}, {"AlignBench v1.1", 10}}},
         .language = "zh",
         .context = 8192,
         .prompt = 512,
         .ttft_max_s = 10,
         .tg_min = kReading},
    Role{.name = "chat-en",
         .what = "conversation in English",
         .evidence = {{{"Arena-Hard"}, {"IFEval strict prompt"}}},
         .language = "en",
         .context = 8192,
         .prompt = 512,
         .ttft_max_s = 10,
         .tg_min = kReading},
    Role{.name = "think",
         .what = "hard questions that may take their time",
         .mode = Mode::kThinking,
         .evidence = {{{"GPQA-Diamond"}, {"AIME 2024"}}},
         .language = "",
         .context = 16384,
         .prompt = 1024,
         .ttft_max_s = 60,
         .thinking_tokens = 6000,
         .minutes_max = 30},
    Role{.name = "code",
         .what = "writing and completing code",
         .evidence = {{{"HumanEval"}, {}}},
         .language = "",
         .context = 8192,
         .prompt = 1024,
         .ttft_max_s = 20,
         .tg_min = kReading},
};

}  // namespace

std::span<const Role> roles() { return kRoles; }

const Role* find_role(std::string_view name) {
  const auto* at = std::ranges::find(kRoles, name, &Role::name);
  return at == kRoles.end() ? nullptr : at;
}

std::string role_names() {
  std::string names;
  for (const Role& role : kRoles) names += (names.empty() ? "" : ", ") + std::string(role.name);
  return names;
}

}  // namespace handmill::measure
