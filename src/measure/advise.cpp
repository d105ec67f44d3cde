#include "measure/advise.h"

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "engine/buffers.h"
#include "kv/cache.h"
#include "measure/mix.h"

namespace handmill::measure {
namespace {

constexpr double kMarginShare = 0.1;
constexpr double kMarginMin = 1e9;
constexpr std::array kKvTypes = {backend::KvType::kF16, backend::KvType::kQ8_0};

/// How far a choice got; of a model whose choices all fail, the one that got farthest is told.
enum class Gate { kMemory, kSpeed, kFirstToken, kMinutes, kPassed };

double quality_kept(const Catalogue& catalogue, std::string_view quantization) {
  const QuantizationLoss* loss = catalogue.loss(quantization);
  const bool same = std::ranges::any_of(catalogue.losses, [&](const QuantizationLoss& known) {
    return known.quantization == quantization && known.kl_divergence > 0 &&
           known.kl_divergence < kSameDivergence;
  });
  return loss == nullptr || same ? 1 : 1 / loss->perplexity_ratio;
}

std::optional<double> score_of(const CatalogueModel& model, const Role& role) {
  double sum = 0;
  int metrics = 0;
  for (const Evidence& evidence : role.evidence) {
    if (evidence.metric.empty()) continue;
    const Score* score = model.score(evidence.metric, role.mode);
    if (score == nullptr) return std::nullopt;
    sum += score->value.value * evidence.scale;
    ++metrics;
  }
  return sum / metrics;
}

/// Why no quantization of it can do, or nothing.
std::string unfit(const CatalogueModel& model, const Role& role, const Terms& terms) {
  if (terms.commercial_only && !model.licence.commercial)
    return model.licence.name + " forbids commercial use";
  if (!role.language.empty() &&
      std::ranges::find(model.languages, role.language) == model.languages.end())
    return fmt::format("has no {}", role.language == "zh" ? "Chinese" : "English");
  if (role.mode == Mode::kDirect && model.thinking == Thinking::kAlways)
    return "thinks before every answer: see the role think";
  if (role.mode == Mode::kThinking && model.thinking == Thinking::kNever) return "does not think";
  return "";
}

class Adviser {
 public:
  Adviser(const Catalogue& catalogue, const Role& role, const Machine& machine,
          const backend::Backend& backend)
      : catalogue_(catalogue), role_(role), machine_(machine), backend_(backend) {
    room_ = usable_memory(machine.memory_bytes.value);
  }

  /// The best choice that passes, or why none does.
  Result<std::optional<Choice>> best(const CatalogueModel& model, std::string& why) {
    std::optional<Choice> best;
    Gate farthest = Gate::kMemory;
    why = "no quantization that handmill has keeps enough of so small a model";
    for (const Mix& mix : mixes()) {
      if (!allowed(model, mix)) continue;
      const auto shape = shape_of(model, mix, backend_);
      if (!shape.ok()) {
        if (farthest == Gate::kMemory && first_) why = shape.error().message;
        continue;
      }
      for (const backend::KvType kv : kKvTypes) {
        Choice choice = plan(model, mix, *shape, kv);
        std::string fault;
        HANDMILL_TRY(const Gate gate, pass(choice, *shape, fault));
        if (gate == Gate::kPassed && (!best || better(choice, *best))) best = choice;
        // The first of those that get equally far is the smallest, and so the nearest.
        if (gate > farthest || first_) why = fault, farthest = gate;
        first_ = false;
      }
    }
    if (best && !handmill_runs(model.shape)) {
      why = fmt::format("handmill does not run {} yet; in {} it would take {:.1f} GB",
                        model.shape.architecture, best->quantization,
                        static_cast<double>(best->memory()) / 1e9);
      return std::optional<Choice>();
    }
    return best;
  }

  static bool better(const Choice& a, const Choice& b) {
    const auto key = [](const Choice& c) {
      // Where there are no scores, size speaks.
      return std::tuple(c.quality(), c.model->parameters.value, c.kept,
                        c.kv == backend::KvType::kF16, -c.decode.seconds);
    };
    return key(a) > key(b);
  }

 private:
  bool allowed(const CatalogueModel& model, const Mix& mix) const {
    if (mix.name == "bf16") return false;  // as large as f16, and no better
    const double kept = quality_kept(catalogue_, mix.name);
    for (const QuantizationFloor& floor : catalogue_.floors)
      if (model.parameters.value < floor.parameters_below)
        return kept >= quality_kept(catalogue_, floor.quantization);
    return true;
  }

  Choice plan(const CatalogueModel& model, const Mix& mix, const Shape& shape,
              backend::KvType kv) const {
    Choice choice;
    choice.model = &model;
    choice.quantization = std::string(mix.name);
    choice.kv = kv;
    choice.context = std::min(role_.context, model.shape.context);
    choice.file_bytes = shape.file_bytes;
    choice.kv_bytes =
        static_cast<uint64_t>(kv::blocks_for(choice.context)) * shape.kv_block_bytes(kv);
    choice.buffer_bytes = engine::buffer_bytes(shape.config, {});
    choice.score = score_of(model, role_);
    choice.kept = quality_kept(catalogue_, mix.name);
    if (role_.mode == Mode::kThinking)
      choice.thinking_tokens =
          model.thinking_tokens ? model.thinking_tokens->value : role_.thinking_tokens;
    return choice;
  }

  /// Predictions count with the slow end of their error bars: what is promised should hold.
  Result<Gate> pass(Choice& c, const Shape& shape, std::string& fault) const {
    const double needed = static_cast<double>(c.memory());
    if (needed > room_) {
      fault = fmt::format("needs {:.1f} GB in {} with {} tokens, and {:.1f} may be taken",
                          needed / 1e9, c.quantization, c.context, room_ / 1e9);
      return Gate::kMemory;
    }
    HANDMILL_TRY(c.decode, predict_decode(shape, machine_, c.kv, c.context / 2));
    if (1 / c.decode.high() < role_.tg_min) {
      fault = fmt::format("writes {:.1f} tokens a second in {}, perhaps {:.1f}: below {}",
                          1 / c.decode.seconds, c.quantization, 1 / c.decode.high(), role_.tg_min);
      return Gate::kSpeed;
    }
    HANDMILL_TRY(c.prefill, predict_prefill(shape, machine_, c.kv, role_.prompt, 0,
                                            engine::Options{}.prefill_chunk));
    c.minutes = (c.prefill.seconds + c.thinking_tokens * c.decode.seconds) / 60;
    if (c.prefill.high() > role_.ttft_max_s) {
      fault = fmt::format("reads {} tokens in {:.1f} s, perhaps {:.1f}: above {}", role_.prompt,
                          c.prefill.seconds, c.prefill.high(), role_.ttft_max_s);
      return Gate::kFirstToken;
    }
    if (role_.minutes_max > 0 && c.minutes * (1 + c.decode.bar()) > role_.minutes_max) {
      fault = fmt::format("thinks {:.0f} minutes: above {:.0f}", c.minutes, role_.minutes_max);
      return Gate::kMinutes;
    }
    return Gate::kPassed;
  }

  const Catalogue& catalogue_;
  const Role& role_;
  const Machine& machine_;
  const backend::Backend& backend_;
  double room_ = 0;
  bool first_ = true;
};

}  // namespace

double usable_memory(double memory) {
  return std::max(0.0, memory - std::max(kMarginShare * memory, kMarginMin));
}

Result<Advice> advise(const Catalogue& catalogue, const Role& role, const Machine& machine,
                      const Terms& terms, const backend::Backend& backend) {
  if (!machine.memory_bytes.known()) return base::invalid("the machine's memory is not known");
  Advice advice;
  advice.role = &role;
  for (const CatalogueModel& model : catalogue.models) {
    std::string why = unfit(model, role, terms);
    std::optional<Choice> best;
    const bool suits = why.empty();
    if (suits) {
      HANDMILL_TRY(best, Adviser(catalogue, role, machine, backend).best(model, why));
    }
    if (best)
      advice.choices.push_back(*std::move(best));
    else
      advice.refusals.push_back({&model, score_of(model, role), suits, std::move(why)});
  }
  std::ranges::stable_sort(advice.choices, Adviser::better);
  std::ranges::stable_sort(advice.refusals, [](const Refusal& a, const Refusal& b) {
    return a.score.value_or(0) > b.score.value_or(0);
  });
  return advice;
}

}  // namespace handmill::measure
