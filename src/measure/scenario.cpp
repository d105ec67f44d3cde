#include "measure/scenario.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "base/error.h"
#include "base/quote.h"

namespace handmill::measure {
namespace {

constexpr int kQuestion = 128, kTalk = 128;    // a question and its answer
constexpr int kTurnAnswer = 64, kTurns = 4;    // of a conversation, each with a new question
constexpr int kProbe = 64, kProbeAnswer = 32;  // at a depth
constexpr int kBatches[] = {1, 2, 4, 8};

/// first, twice that and so on up to the most; and the most where that is much more than the last.
std::vector<int> doubled(int first, int last, int most) {
  std::vector<int> out;
  for (int value = first; value <= std::min(last, most); value *= 2) out.push_back(value);
  const int so_far = out.empty() ? 0 : out.back();
  if (so_far < last && most > so_far + so_far / 4) out.push_back(std::min(most, last));
  return out;
}

std::vector<Scenario> documents(int context) {
  std::vector<Scenario> out;
  for (const int length : doubled(2048, 8192, context - kTalk))
    out.push_back({{"document", fmt::format("document {}", length), length, kTalk, 0, 1}});
  return out;
}

std::vector<Scenario> turns(int context) {
  Scenario talk;
  for (int turn = 0; turn < kTurns; ++turn) {
    const int depth = turn * (kQuestion + kTurnAnswer);
    if (depth + kQuestion + kTurnAnswer > context) break;
    talk.push_back({"turns", fmt::format("turn {}", turn + 1), kQuestion, kTurnAnswer, depth, 1});
  }
  // A conversation has at least two.
  return talk.size() < 2 ? std::vector<Scenario>{} : std::vector<Scenario>{std::move(talk)};
}

std::vector<Scenario> depths(int context) {
  const int most = context - kProbe - kProbeAnswer;
  if (most < 0) return {};
  std::vector<int> depths = {0};
  for (const int depth : doubled(512, 1 << 22, most)) depths.push_back(depth);
  std::vector<Scenario> out;
  for (const int depth : depths)
    out.push_back({{"depths", fmt::format("depth {}", depth), kProbe, kProbeAnswer, depth, 1}});
  return out;
}

std::vector<Scenario> of_kind(std::string_view name, int context) {
  if (name == "document") return documents(context);
  if (name == "turns") return turns(context);
  if (name == "depths") return depths(context);
  std::vector<Scenario> out;
  if (name == "chat" && kQuestion + kTalk <= context)
    out.push_back({{"chat", "chat", kQuestion, kTalk, 0, 1}});
  if (name == "batches" && kQuestion + kTurnAnswer <= context)
    for (const int batch : kBatches)
      out.push_back(
          {{"batches", fmt::format("batch {}", batch), kQuestion, kTurnAnswer, 0, batch}});
  return out;
}

}  // namespace

std::span<const ScenarioKind> scenario_kinds() {
  static constexpr std::array kKinds = {
      ScenarioKind{"chat", "a prompt of 128 tokens and an answer of 128"},
      ScenarioKind{"document",
                   "prompts of 2048, 4096 and 8192 tokens, as the context allows, and "
                   "answers of 128"},
      ScenarioKind{"turns",
                   "a conversation of four turns, 128 new tokens and an answer of 64 "
                   "each; all before is in the prefix cache"},
      ScenarioKind{"depths",
                   "64 new tokens and an answer of 32 behind 0, 512, 1024, … cached "
                   "ones, up to the context"},
      ScenarioKind{"batches",
                   "1, 2, 4 and 8 requests at once, prompts of 128 tokens and answers "
                   "of 64"},
  };
  return kKinds;
}

Result<std::vector<Scenario>> make_scenarios(const std::vector<std::string>& names, int context) {
  std::vector<Scenario> out;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i];
    if (std::ranges::none_of(scenario_kinds(),
                             [&](const auto& kind) { return kind.name == name; })) {
      std::string known;
      for (const ScenarioKind& kind : scenario_kinds())
        known += (known.empty() ? "" : ", ") + std::string(kind.name);
      return base::invalid("{} is no scenario; there are {}", base::quoted(name), known);
    }
    if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), name) !=
        names.begin() + static_cast<std::ptrdiff_t>(i))
      return base::invalid("{} is named twice", base::quoted(name));
    const std::vector<Scenario> some = of_kind(name, context);
    if (some.empty())
      return base::limit("a context of {} tokens is too short for the scenario {}", context, name);
    out.insert(out.end(), some.begin(), some.end());
  }
  return out;
}

}  // namespace handmill::measure
