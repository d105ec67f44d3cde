#include "cli/shares_text.h"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <utility>

namespace handmill::cli {
namespace {

namespace json = boost::json;
using measure::Shares;

json::value shares_json(const std::optional<Shares>& shares) {
  if (!shares) return nullptr;
  return json::object{{"of_roof", shares->roof},    {"limit", measure::limit_name(shares->limit)},
                      {"kernels", shares->kernels}, {"attention", shares->attention},
                      {"layers", shares->layers},   {"other", shares->other}};
}

}  // namespace

const char* const kSharesNote =
    "Where `handmill probe` has measured the machine, the speed line tells how near the answer\n"
    "came to its roofs: the bytes that its steps had to read, or their operations, over their "
    "time\n"
    "and the machine's best. That share is measured. How the rest is parted is inferred from the\n"
    "rates that probe measured: kernels (products with weights slower than the roof), cache and\n"
    "attention, layers (norms, threads that wait), and what these do not explain as other. "
    "Answers\n"
    "too short to time, beside others or on a machine under load get no share.";

std::string_view roof_name(measure::Limit limit) {
  return limit == measure::Limit::kMemory ? "memory" : "int8";
}

std::string roof_text(const Shares& shares) {
  return fmt::format("{:.0f} % of the {} roof", 100 * shares.roof, roof_name(shares.limit));
}

std::string rest_text(const Shares& shares) {
  std::string text;
  const std::pair<double, const char*> parts[] = {{shares.kernels, "kernels"},
                                                  {shares.attention, "cache and attention"},
                                                  {shares.layers, "layers"},
                                                  {shares.other, "other"}};
  for (const auto& [share, name] : parts)
    if (share >= 0.005)
      text += fmt::format("{}{:.0f} % {}", text.empty() ? "" : ", ", 100 * share, name);
  return text;
}

std::string depth_text(int depth) {
  if (depth < 1000) return fmt::format("{}", depth);
  return fmt::format("{:.{}f}k", depth / 1000.0, depth < 99'950 ? 1 : 0);
}

json::value verdict_json(const measure::RunVerdict& verdict) {
  if (!verdict.prefill && !verdict.decode && verdict.why_none.empty()) return nullptr;
  return json::object{{"prefill", shares_json(verdict.prefill)},
                      {"decode", shares_json(verdict.decode)},
                      {"why_none", verdict.why_none.empty() ? json::value(nullptr)
                                                            : json::value(verdict.why_none)}};
}

}  // namespace handmill::cli
