// The catalogue: what is published of models that people run at home, with a source and a date for
// every fact. It is data, compiled in from data/catalogue.json, and a newer file of the same form
// replaces it without a rebuild. A score is one value of one metric in one mode from one source,
// never a number for "quality". Bytes are of files; GB are 10^9.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace handmill::measure {

/// Where a number comes from: `source` is the id of an entry of Catalogue::sources.
struct Cited {
  double value = 0;
  std::string source;
  bool checked = true;  // false: from memory, not read in the source yet
};

/// Dates are "2025-04-29", so they compare as texts.
struct CatalogueSource {
  std::string id, text, date;
};

/// The numbers that fix a model's tensor table. `context` is the model's own; every
/// window_pattern-th layer sees all of it where `window` > 0.
struct CatalogueShape {
  std::string architecture;  // as GGUF files name it: "qwen2"
  int layers = 0, width = 0, heads = 0, kv_heads = 0, head_dim = 0;
  int ffn_width = 0;  // of one expert where there are experts
  int vocab = 0, context = 0;
  bool tied = false;
  int window = 0, window_pattern = 0;
  int experts = 0, experts_used = 0;  // 0: dense
  int rope_factors = 0;               // elements of rope_freqs.weight
};

struct Licence {
  std::string name;
  bool commercial = false;  // whether it allows commercial use
  std::string note;
};

enum class Mode { kDirect, kThinking };
std::string_view mode_name(Mode mode);  // "direct"

struct Score {
  std::string metric;  // with its version: "LiveCodeBench v5"
  Mode mode = Mode::kDirect;
  Cited value;
};

/// A file as someone published it. `deviates`: why it differs from what the quantizer would write.
struct PublishedFile {
  std::string quantization;  // "q4_k_m"
  uint64_t bytes = 0;
  std::string source, deviates;
};

enum class Thinking { kNever, kAlways, kChoice };

struct CatalogueModel {
  std::string name;                  // "qwen2.5:3b-instruct", as Ollama's library has them
  std::vector<std::string> aliases;  // "qwen2.5:3b"
  std::string family, released;
  CatalogueShape shape;
  Cited parameters;
  uint64_t header_bytes = 0;  // of a GGUF file: vocabulary and metadata
  Licence licence;
  std::vector<std::string> languages;  // "en", "zh"
  Thinking thinking = Thinking::kNever;
  std::optional<Cited> thinking_tokens;  // for one question
  bool fill_in_the_middle = false;
  std::string repository, file;  // of the hub; {QUANT} or {quant} stands for the quantization
  std::vector<PublishedFile> files;
  std::vector<Score> scores;
  std::string note;

  const Score* score(std::string_view metric, Mode mode) const;  // or null
  std::string file_name(std::string_view quantization) const;
};

/// What a quantization loses, measured on one model: the ratio of its perplexity to that of the
/// unquantized model, and the mean Kullback-Leibler divergence from it.
struct QuantizationLoss {
  std::string quantization, model, source;
  double perplexity_ratio = 1;
  double kl_divergence = 0;  // 0: not published
};

/// Models of fewer parameters should not be quantized below this.
struct QuantizationFloor {
  double parameters_below = 0;
  std::string quantization, source;
};

struct OnlineService {
  std::string name, models, source;
};

struct Catalogue {
  std::string date;
  std::vector<CatalogueSource> sources;
  std::vector<CatalogueModel> models;
  std::vector<QuantizationLoss> losses;
  std::vector<QuantizationFloor> floors;  // rising
  std::vector<OnlineService> online;

  const CatalogueSource* source(std::string_view id) const;  // or null
  /// The largest published loss of a quantization: the cautious one. Null where none is known.
  const QuantizationLoss* loss(std::string_view quantization) const;
};

/// Strict: an unknown field, a value out of its range, a source that is not listed, a name twice,
/// or more than 4 MiB is an error that names the place.
Result<Catalogue> parse_catalogue(std::string_view text);
/// The one that was compiled in, as JSON text.
std::string_view built_in_catalogue();

/// "qwen2.5:7b-instruct-q4_K_M": a model by name or alias, and a quantization ("q4_k_m" where none
/// is given; "fp16" is f16). kNotFound where the catalogue has no such name.
struct CatalogueName {
  const CatalogueModel* model = nullptr;
  std::string quantization;
};
Result<CatalogueName> find_in_catalogue(const Catalogue& catalogue, std::string_view name);

}  // namespace handmill::measure
