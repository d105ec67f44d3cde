#include "cli/explain_changes.h"

#include <boost/json.hpp>
#include <cmath>
#include <fmt/format.h>

#include "cli/figures.h"

namespace handmill::cli {
namespace {

namespace json = boost::json;

double needs(const measure::Shape& shape, backend::KvType kv, int context) {
  const int blocks = (context + backend::kKvBlock - 1) / backend::kKvBlock;
  return static_cast<double>(shape.file_bytes) +
         static_cast<double>(shape.kv_block_bytes(kv)) * blocks;
}

/// "12.3 → 24.6", or "unchanged" where no digit that is shown would change.
std::string step_text(double before, double after, const char* unit) {
  constexpr double kSame = 0.005;
  if (std::fabs(after / before - 1) < kSame) return "unchanged";
  return fmt::format("{} → {}{}", three_digits(before), three_digits(after), unit);
}

}  // namespace

Result<Changes> find_changes(const measure::Shape& shape, const measure::Machine& machine,
                             const measure::Machine* here, const measure::Conditions& conditions,
                             int context) {
  Changes out;
  out.depth = conditions.depth;
  out.prompt = conditions.prompt;
  HANDMILL_TRY(out.all, measure::what_would_change(shape, machine, conditions));
  const measure::Figure& has = machine.memory_bytes;
  if (here == nullptr || !has.known() || needs(shape, conditions.kv, context) <= has.value)
    return out;
  SplitChoice split;
  split.all = shape.config.layers;
  split.layers = measure::layers_that_fit(shape, conditions.kv, context, has.value);
  split.rest = here->name;
  HANDMILL_TRY(const auto prediction,
               measure::predict_split_decode(shape, machine, *here, conditions.kv, conditions.depth,
                                             split.layers, false));
  split.decode_tok_s = 1 / prediction.seconds;
  out.split = std::move(split);
  return out;
}

std::string changes_text(const Changes& changes) {
  if (changes.all.empty()) return "";
  const measure::Change& now = changes.all.front();
  std::string out = fmt::format("\nWhat would change it, behind {} tokens\n", changes.depth);
  for (size_t i = 1; i < changes.all.size(); ++i) {
    const measure::Change& change = changes.all[i];
    out += fmt::format("  {}:\n    TG {}, TTFT {}\n", change.what,
                       step_text(now.decode_tok_s, change.decode_tok_s, ""),
                       step_text(now.ttft_s, change.ttft_s, " s"));
  }
  if (const auto& split = changes.split)
    out += fmt::format(
        "  It does not fit. {} of {} layers there, {} and the head on {}, one after the other:\n"
        "    TG {}\n",
        split->layers, split->all, split->all - split->layers, split->rest,
        three_digits(split->decode_tok_s));
  return out;
}

json::object changes_json(const Changes& changes) {
  json::array all;
  for (size_t i = 1; i < changes.all.size(); ++i)
    all.push_back(json::object{{"what", changes.all[i].what},
                               {"decode_tok_s", changes.all[i].decode_tok_s},
                               {"ttft_s", changes.all[i].ttft_s}});
  json::value split = nullptr;
  if (changes.split)
    split = json::object{{"layers", changes.split->layers},
                         {"of", changes.split->all},
                         {"rest_on", changes.split->rest},
                         {"decode_tok_s", changes.split->decode_tok_s}};
  return {{"depth", changes.depth}, {"changes", std::move(all)}, {"split", std::move(split)}};
}

}  // namespace handmill::cli
