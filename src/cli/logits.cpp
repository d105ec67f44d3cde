// handmill logits: the logits after every token of a list, as a NumPy file. Rows are written as
// they are computed: memory holds one.
#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/npy.h"
#include "cli/output_file.h"
#include "cli/progress_bar.h"
#include "cli/session.h"
#include "cli/token_list.h"
#include "model/model.h"

namespace handmill::cli {
namespace {

struct LogitsOptions {
  std::string model;
  std::string tokens_file;
  std::string out;
  EngineFlags engine;
};

Status write_rows(engine::Engine& engine, const std::vector<text::Token>& tokens, size_t vocab,
                  OutputFile& file) {
  const std::string header = npy_header(tokens.size(), vocab);
  HANDMILL_OK(file.write(header.data(), header.size()));
  ProgressBar bar("Computing logits");
  Status written;
  size_t rows = 0;
  const auto row = [&](size_t i, std::span<const float> logits) {
    if (!written.ok()) return;
    rows = i + 1;
    written = logits.size() == vocab
                  ? file.write(logits.data(), logits.size_bytes())
                  : base::invalid("row {} has {} logits, not {}", i, logits.size(), vocab);
    bar.update(rows * vocab * sizeof(float), tokens.size() * vocab * sizeof(float));
  };
  HANDMILL_OK(engine.score(tokens, row));
  HANDMILL_OK(written);
  if (rows != tokens.size())
    return base::invalid("the engine gave {} rows for {} tokens", rows, tokens.size());
  return {};
}

Status check(const LogitsOptions& options) {
  if (options.tokens_file.empty()) return base::invalid("--tokens-file FILE is needed");
  if (options.out.empty()) return base::invalid("--out FILE.npy is needed");
  return {};
}

Result<int> logits(const LogitsOptions& options) {
  HANDMILL_TRY(const ModelFile named, find_model(options.model));
  HANDMILL_TRY(const auto file, open_file(named));
  HANDMILL_TRY(const model::Config config, model::read_config(*file));
  HANDMILL_TRY(const std::string text, read_file(options.tokens_file));
  HANDMILL_TRY(const auto tokens, parse_tokens(text, config.vocab, options.tokens_file));

  EngineFlags flags = options.engine;
  if (flags.context == 0) flags.context = static_cast<int>(tokens.size());
  HANDMILL_TRY(const engine::Options settings, engine_options(flags));
  HANDMILL_TRY(const auto engine, open_engine(named, file, settings));
  HANDMILL_TRY(OutputFile out, OutputFile::create(options.out));
  HANDMILL_OK(write_rows(*engine, tokens, static_cast<size_t>(config.vocab), out));
  HANDMILL_OK(out.commit());
  return kExitOk;
}

}  // namespace

Action declare_logits(Args& args) {
  auto options = std::make_shared<LogitsOptions>();
  declare_model(args, options->model);
  args.option("--tokens-file", "FILE", options->tokens_file,
              "Token ids with spaces, commas or lines between them; - is standard input");
  args.option("-o,--out", "FILE.npy", options->out,
              "Where to write float32 [tokens, vocabulary]; row i follows tokens 0 to i");
  declare_engine(args, options->engine);
  args.check([options] { return check(*options); });
  args.note(
      "Example:\n"
      "  printf 'The capital of France is' | handmill tokenize --json > ids.txt\n"
      "  handmill logits --tokens-file ids.txt --out logits.npy");
  return [options] { return logits(*options); };
}

}  // namespace handmill::cli
