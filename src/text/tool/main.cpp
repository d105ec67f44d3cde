// text_tool FILE.gguf: the tokenizer of a model, for tests in other languages. Standard input holds
// one JSON object a line, {"text": …, "special": bool, "bos": bool} or {"segments": [{"text",
// "special"}]}; each is answered by a line {"ids": [...], "text": …}, the ids and what the
// detokenizer makes of them.
#include <boost/json.hpp>
#include <fmt/format.h>
#include <iostream>

#include "base/json.h"
#include "text/tokenizer.h"

namespace {

namespace json = boost::json;
using handmill::text::Segment;
using handmill::text::Token;
using handmill::text::Tokenizer;

bool flag(const json::object& request, std::string_view name) {
  const json::value* value = request.if_contains(name);
  return value != nullptr && value->as_bool();
}

Segment segment(const json::object& object) {
  return {std::string(object.at("text").as_string()), flag(object, "special")};
}

json::object answer(const std::shared_ptr<const Tokenizer>& tokenizer,
                    const json::object& request) {
  std::vector<Token> ids;
  if (const json::value* list = request.if_contains("segments")) {
    std::vector<Segment> segments;
    for (const json::value& each : list->as_array()) segments.push_back(segment(each.as_object()));
    ids = tokenizer->encode(segments, flag(request, "bos"));
  } else {
    Segment one = segment(request);
    ids = tokenizer->encode(one.text, {.bos = flag(request, "bos"), .special = one.special});
  }
  handmill::text::Detokenizer detokenizer(tokenizer);
  std::string text;
  for (Token id : ids) text += detokenizer.push(id);
  text += detokenizer.finish();
  return {{"ids", json::array(ids.begin(), ids.end())}, {"text", text}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: text_tool FILE.gguf\n");
    return 2;
  }
  auto file = handmill::gguf::File::open(argv[1]);
  if (!file) {
    fmt::print(stderr, "{}\n", file.error().message);
    return 1;
  }
  auto tokenizer = Tokenizer::load(*file);
  if (!tokenizer) {
    fmt::print(stderr, "{}\n", tokenizer.error().message);
    return 1;
  }
  for (std::string line; std::getline(std::cin, line);) {
    auto request = handmill::base::parse_json(line);
    if (!request) {
      fmt::print(stderr, "{}\n", request.error().message);
      return 1;
    }
    std::cout << answer(*tokenizer, request->as_object()) << "\n";
  }
}
