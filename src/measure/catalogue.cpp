#include "measure/catalogue.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "base/error.h"
#include "base/quote.h"
#include "measure/mix.h"

namespace handmill::measure {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool has_name(const CatalogueModel& model, std::string_view name) {
  return model.name == name || std::ranges::find(model.aliases, name) != model.aliases.end();
}

}  // namespace

std::string_view mode_name(Mode mode) { return mode == Mode::kThinking ? "thinking" : "direct"; }

const Score* CatalogueModel::score(std::string_view metric, Mode mode) const {
  for (const Score& score : scores)
    if (score.metric == metric && score.mode == mode) return &score;
  return nullptr;
}

std::string CatalogueModel::file_name(std::string_view quantization) const {
  std::string out = file, small = lower(quantization), large = small;
  for (char& c : large) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (small == "f16") large = small;  // the one that repositories write small
  for (const auto& [mark, word] : {std::pair{"{QUANT}", large}, std::pair{"{quant}", small}})
    if (const size_t at = out.find(mark); at != std::string::npos) out.replace(at, 7, word);
  return out;
}

const CatalogueSource* Catalogue::source(std::string_view id) const {
  const auto at = std::ranges::find(sources, id, &CatalogueSource::id);
  return at == sources.end() ? nullptr : &*at;
}

const QuantizationLoss* Catalogue::loss(std::string_view quantization) const {
  const QuantizationLoss* worst = nullptr;
  for (const QuantizationLoss& loss : losses)
    if (loss.quantization == quantization &&
        (worst == nullptr || loss.perplexity_ratio > worst->perplexity_ratio))
      worst = &loss;
  return worst;
}

Result<CatalogueName> find_in_catalogue(const Catalogue& catalogue, std::string_view name) {
  const std::string wanted = lower(name);
  for (const CatalogueModel& model : catalogue.models)
    if (has_name(model, wanted)) return CatalogueName{&model, "q4_k_m"};
  const size_t dash = wanted.rfind('-');
  if (dash != std::string::npos) {
    const std::string_view stem = std::string_view(wanted).substr(0, dash);
    std::string quantization = wanted.substr(dash + 1);
    if (quantization == "fp16") quantization = "f16";
    for (const CatalogueModel& model : catalogue.models) {
      if (!has_name(model, stem)) continue;
      if (find_mix(quantization) == nullptr)
        return base::not_found("{}: {} is no quantization that handmill has; there are {}",
                               base::quoted(name), base::quoted(quantization), mix_names());
      return CatalogueName{&model, quantization};
    }
  }
  return base::not_found("{} is not in the catalogue of {}", base::quoted(name), catalogue.date);
}

}  // namespace handmill::measure
