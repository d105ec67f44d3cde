// The catalogue's JSON form: every field with its bounds.
#include <boost/json.hpp>
#include <limits>
#include <set>

#include "base/error.h"
#include "base/json.h"
#include "measure/catalogue.h"
#include "measure/fields.h"
#include "measure/mix.h"
#include "model/limits.h"

namespace handmill::measure {
namespace {

namespace json = boost::json;

constexpr size_t kTextMax = size_t{4} << 20;
constexpr size_t kModelsMax = 1024;
constexpr size_t kSourcesMax = 1024;
constexpr size_t kListMax = 64;
constexpr double kParametersMax = 1e15;
constexpr int64_t kFileMax = int64_t{1} << 50;

class Reader {
 public:
  Result<Catalogue> read(std::string_view text) {
    HANDMILL_TRY(const json::value document, base::parse_json(text, 16));
    Fields fields(document, "", error_);
    fields.integer("format", 1, 1);
    out_.date = fields.date("date");
    fields.list("sources", kSourcesMax, true, [this](auto& v, auto at) { source(v, at); });
    fields.list("models", kModelsMax, true, [this](auto& v, auto at) { model(v, at); });
    fields.list("losses", kListMax, true, [this](auto& v, auto at) { loss(v, at); });
    fields.list("floors", kListMax, true, [this](auto& v, auto at) { floor(v, at); });
    fields.list("online", kListMax, true, [this](auto& v, auto at) { online(v, at); });
    fields.end();
    if (error_) return *std::move(error_);
    return std::move(out_);
  }

 private:
  /// A "source" field, which must be one of the list.
  std::string cite(Fields& fields) {
    std::string id = fields.text("source");
    if (!sources_.contains(id)) fields.fail("source", "is not in the list of sources");
    return id;
  }
  Cited cited(Fields& fields, double low, double high) {
    Cited out;
    out.value = fields.number("value", low, high);
    out.source = cite(fields);
    out.checked = fields.flag_or("checked", true);
    return out;
  }
  std::string quantization(Fields& fields) {
    std::string name = fields.text("quantization");
    if (find_mix(name) == nullptr) fields.fail("quantization", "must be one of " + mix_names());
    return name;
  }

  void source(const json::value& value, const std::string& at) {
    Fields fields(value, at, error_);
    CatalogueSource source{fields.text("id"), fields.text("text", 1024), fields.date("date")};
    if (!sources_.insert(source.id).second) fields.fail("id", "is there twice");
    fields.end();
    out_.sources.push_back(std::move(source));
  }

  CatalogueShape shape(Fields fields) {
    const auto count = [&](std::string_view key, int most) {
      return static_cast<int>(fields.integer(key, 1, most));
    };
    const auto or_none = [&](std::string_view key, int most) {
      return static_cast<int>(fields.integer_or(key, 0, 0, most));
    };
    CatalogueShape shape;
    shape.architecture = fields.text("architecture", 64);
    shape.layers = count("layers", model::kMaxLayers);
    shape.width = count("width", model::kMaxWidth);
    shape.heads = count("heads", model::kMaxHeads);
    shape.kv_heads = count("kv_heads", model::kMaxHeads);
    shape.head_dim = count("head_dim", model::kMaxHeadDim);
    shape.ffn_width = count("ffn_width", model::kMaxFfnWidth);
    shape.vocab = count("vocab", model::kMaxVocab);
    shape.context = count("context", model::kMaxContext);
    shape.tied = fields.flag("tied");
    shape.window = or_none("window", model::kMaxContext);
    shape.window_pattern = or_none("window_pattern", model::kMaxLayers);
    shape.experts = or_none("experts", kExpertsMax);
    shape.experts_used = or_none("experts_used", kExpertsMax);
    shape.rope_factors = or_none("rope_factors", model::kMaxHeadDim);
    if (shape.heads % shape.kv_heads != 0) fields.fail("kv_heads", "must divide the heads");
    if (shape.width % 32 != 0 || shape.ffn_width % 32 != 0 ||
        shape.heads * shape.head_dim % 32 != 0)
      fields.fail("width", "must be, as the other widths, a multiple of 32");
    if ((shape.window > 0) != (shape.window_pattern > 0))
      fields.fail("window_pattern", "must be there with a window, and only then");
    if (shape.experts_used > shape.experts || (shape.experts > 0) != (shape.experts_used > 0))
      fields.fail("experts_used", "must be from 1 to the number of experts");
    if (int64_t{shape.experts} * shape.ffn_width > 1 << 24)
      fields.fail("experts", "must have fewer than 2^24 feed-forward elements together");
    fields.end();
    return shape;
  }

  void licence(Fields fields, Licence& out) {
    out.name = fields.text("name");
    out.commercial = fields.flag("commercial");
    out.note = fields.text_or("note", "");
    fields.end();
  }
  void fetch(Fields fields, CatalogueModel& out) {
    out.repository = fields.text("repository");
    out.file = fields.text("file");
    if (!out.file.ends_with(".gguf")) fields.fail("file", "must end in .gguf");
    fields.end();
  }
  Thinking thinking(Fields& fields) {
    const std::string word = fields.text("thinking");
    if (word == "always") return Thinking::kAlways;
    if (word == "choice") return Thinking::kChoice;
    if (word != "never") fields.fail("thinking", "must be never, always or choice");
    return Thinking::kNever;
  }

  void score(const json::value& value, const std::string& at, CatalogueModel& out) {
    Fields fields(value, at, error_);
    Score score;
    score.metric = fields.text("metric");
    const std::string mode = fields.text("mode");
    if (mode != "direct" && mode != "thinking") fields.fail("mode", "must be direct or thinking");
    score.mode = mode == "thinking" ? Mode::kThinking : Mode::kDirect;
    score.value = cited(fields, 0, 100);
    fields.end();
    if (out.score(score.metric, score.mode) != nullptr)
      fields.fail("metric", "is there twice in this mode");
    out.scores.push_back(std::move(score));
  }
  void file(const json::value& value, const std::string& at, CatalogueModel& out) {
    Fields fields(value, at, error_);
    PublishedFile file;
    file.quantization = quantization(fields);
    file.bytes = static_cast<uint64_t>(fields.integer("bytes", 1, kFileMax));
    file.source = cite(fields);
    file.deviates = fields.text_or("deviates", "");
    fields.end();
    out.files.push_back(std::move(file));
  }

  void name(Fields& fields, const std::string& name, std::string_view key) {
    if (!names_.insert(name).second) fields.fail(key, "is there twice: " + name);
  }
  void model(const json::value& value, const std::string& at) {
    Fields fields(value, at, error_);
    CatalogueModel model;
    model.name = fields.text("name");
    name(fields, model.name, "name");
    fields.list("aliases", kListMax, false, [&](const json::value& item, const std::string&) {
      if (!item.is_string() || item.get_string().empty() || item.get_string().size() > 256)
        return fields.fail("aliases", "must be texts of 1 to 256 bytes");
      model.aliases.emplace_back(item.get_string());
      name(fields, model.aliases.back(), "aliases");
    });
    model.family = fields.text("family");
    model.released = fields.date("released");
    model.shape = shape(fields.object("shape"));
    Fields parameters = fields.object("parameters");
    model.parameters = cited(parameters, 1, kParametersMax);
    parameters.end();
    model.header_bytes = static_cast<uint64_t>(fields.integer("header_bytes", 0, 1 << 30));
    licence(fields.object("licence"), model.licence);
    fields.list("languages", kListMax, true, [&](const json::value& item, const std::string&) {
      if (!item.is_string() || item.get_string().size() > 16)
        return fields.fail("languages", "must be texts of at most 16 bytes");
      model.languages.emplace_back(item.get_string());
    });
    model.thinking = thinking(fields);
    if (auto tokens = fields.object_or("thinking_tokens")) {
      model.thinking_tokens = cited(*tokens, 1, 1e6);
      tokens->end();
    }
    model.fill_in_the_middle = fields.flag("fill_in_the_middle");
    fetch(fields.object("fetch"), model);
    fields.list("files", kListMax, false, [&](auto& v, auto a) { file(v, a, model); });
    fields.list("scores", kListMax, true, [&](auto& v, auto a) { score(v, a, model); });
    model.note = fields.text_or("note", "", 1024);
    fields.end();
    out_.models.push_back(std::move(model));
  }

  void loss(const json::value& value, const std::string& at) {
    Fields fields(value, at, error_);
    QuantizationLoss loss;
    loss.quantization = quantization(fields);
    loss.perplexity_ratio = fields.number("perplexity_ratio", 1, 100);
    loss.kl_divergence = fields.number_or("kl_divergence", 0, 0, 100);
    loss.model = fields.text("model");
    loss.source = cite(fields);
    fields.end();
    out_.losses.push_back(std::move(loss));
  }
  void floor(const json::value& value, const std::string& at) {
    Fields fields(value, at, error_);
    QuantizationFloor floor;
    floor.parameters_below = fields.number("parameters_below", 1, kParametersMax);
    floor.quantization = quantization(fields);
    floor.source = cite(fields);
    if (!out_.floors.empty() && out_.floors.back().parameters_below >= floor.parameters_below)
      fields.fail("parameters_below", "must rise");
    fields.end();
    out_.floors.push_back(std::move(floor));
  }
  void online(const json::value& value, const std::string& at) {
    Fields fields(value, at, error_);
    OnlineService service;
    service.name = fields.text("name");
    service.models = fields.text("models");
    service.source = cite(fields);
    fields.end();
    out_.online.push_back(std::move(service));
  }

  std::optional<Error> error_;
  Catalogue out_;
  std::set<std::string> sources_, names_;
};

}  // namespace

Result<Catalogue> parse_catalogue(std::string_view text) {
  if (text.size() > kTextMax) return base::limit("the catalogue is longer than 4 MiB");
  return Reader().read(text);
}

}  // namespace handmill::measure
