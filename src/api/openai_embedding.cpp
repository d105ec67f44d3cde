// POST /v1/embeddings.
#include <bit>

#include "api/json_writer.h"
#include "api/openai.h"
#include "api/openai_fields.h"

namespace handmill::api {
namespace {

using Input = std::variant<std::string, std::vector<text::Token>>;

void read_input(const Field& item, std::vector<Input>& inputs) {
  if (item.is_array()) {
    std::vector<text::Token> tokens;
    if (item.value().get_array().empty()) return item.invalid("is empty; there must be a token");
    if (item.read_tokens(tokens)) inputs.emplace_back(std::move(tokens));
    return;
  }
  std::string text;
  if (!item.is_text()) return item.wrong_type("a string or an array of token numbers");
  if (!item.read(text, kTextBytesMax)) return;
  if (text.empty()) return item.invalid("is empty; there must be a text");
  inputs.emplace_back(std::move(text));
}

void read_inputs(const Field& field, std::vector<Input>& inputs, Reading& reading) {
  if (!field.required().given()) return;
  if (!field.is_array()) return read_input(field, inputs);
  const boost::json::array& array = field.value().get_array();
  if (array.empty()) return field.invalid("is empty; there must be an input");
  if (array[0].is_number()) return read_input(field, inputs);
  size_t tokens = 0;
  for (const Field& item : field.items(kInputsMax)) {
    read_input(item, inputs);
    if (reading.fault) return;
    if (const auto* numbers = std::get_if<std::vector<text::Token>>(&inputs.back()))
      tokens += numbers->size();
  }
  if (tokens > static_cast<uint64_t>(kTokensMax.value))
    field.invalid("has {} tokens in all; at most {} are taken", tokens, kTokensMax.value);
}

std::string little_endian(std::span<const float> numbers) {
  std::string bytes;
  bytes.reserve(numbers.size() * 4);
  for (float number : numbers) {
    const auto bits = std::bit_cast<uint32_t>(number);
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift & 0xFF);
  }
  return bytes;
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t three = 0;
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k)
      three = three << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k) text += k <= count ? kDigits[three >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

}  // namespace

Read<AskedEmbedding> read_openai_embedding(const boost::json::object& object) {
  Reading reading;
  Fields body(object, reading);
  AskedEmbedding asked;
  body.at("model").read(asked.embedding.model, kModelBytesMax);
  read_inputs(body.at("input"), asked.embedding.inputs, reading);
  body.at("dimensions").read(asked.embedding.dimensions, 1, kDimensionsMax.value);
  size_t format = 0;
  body.at("encoding_format").read_word(format, {"float", "base64"});
  asked.base64 = format == 1;
  body.pass_over({"user", "priority", "request_id"});
  body.refuse({"messages", "truncate_prompt_tokens", "normalize", "embed_dtype"},
              "is not supported");
  body.ignore_rest();
  if (reading.fault) return *std::move(reading.fault);
  asked.ignored = std::move(reading.ignored);
  return asked;
}

std::string openai_embedding_body(const AskedEmbedding& asked, std::string_view model,
                                  std::span<const std::vector<float>> vectors, const Usage& usage) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().field("object", "list").key("data").begin_array();
  for (size_t i = 0; i < vectors.size(); ++i) {
    json.begin_object().field("object", "embedding").field("index", i).key("embedding");
    if (asked.base64) {
      json.value(base64(little_endian(vectors[i])));
    } else {
      json.begin_array();
      for (float number : vectors[i]) json.value(number);
      json.end_array();
    }
    json.end_object();
  }
  json.end_array().field("model", model).key("usage").begin_object();
  json.field("prompt_tokens", usage.prompt_tokens).field("total_tokens", usage.prompt_tokens);
  json.end_object().end_object();
  return out;
}

}  // namespace handmill::api
