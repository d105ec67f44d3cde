// handmill tokenize: standard input, byte for byte, as token ids.
#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "base/quote.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/session.h"
#include "text/tokenizer.h"

namespace handmill::cli {
namespace {

struct TokenizeOptions {
  std::string model;
  text::EncodeOptions encode;
  int threads = 0;
  bool json = false;
};

void print_table(const text::Tokenizer& tokenizer, const std::vector<text::Token>& tokens) {
  constexpr size_t kLongestPiece = 200;
  for (const text::Token token : tokens)
    fmt::print("{:>8}  {}{}\n", token,
               base::quoted(tokenizer.token_bytes(token, true), kLongestPiece),
               tokenizer.is_control(token) ? "  control" : "");
}

Result<int> tokenize(const TokenizeOptions& options) {
  HANDMILL_TRY(const ModelFile model, find_model(options.model));
  HANDMILL_TRY(const auto file, open_file(model));
  HANDMILL_TRY(const auto tokenizer, text::Tokenizer::load(*file));
  HANDMILL_TRY(const std::string text,
               read_all(STDIN_FILENO, "standard input",
                        "handmill: reading the text from standard input; Ctrl-D ends it"));
  const std::vector<text::Token> tokens = tokenizer->encode(text, options.encode);
  if (options.json)
    fmt::print("{}\n", boost::json::serialize(boost::json::value_from(tokens)));
  else
    print_table(*tokenizer, tokens);
  return kExitOk;
}

}  // namespace

Action declare_tokenize(Args& args) {
  auto options = std::make_shared<TokenizeOptions>();
  declare_model(args, options->model);
  args.flag("--special", options->encode.special,
            "Control tokens written in the text count as such; otherwise they are plain text");
  args.flag("--bos", options->encode.bos, "Put the model's BOS token first");
  args.flag("--json", options->json, "One list of ids instead of a line for each token");
  declare_threads(args, options->threads);
  args.note(
      "Examples:\n"
      "  printf 'Hello, world' | handmill tokenize\n"
      "  handmill tokenize qwen2.5-coder-0.5b-q4_k_m --json < book.txt");
  return [options] { return tokenize(*options); };
}

}  // namespace handmill::cli
