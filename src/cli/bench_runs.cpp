#include "cli/bench_runs.h"

#include <algorithm>
#include <fmt/format.h>

#include "cli/follow.h"

namespace handmill::cli {
namespace {

/// Behind an empty context a test of decode has one token of prompt.
measure::Piece piece_of(const measure::BenchTest& test) {
  if (test.prompt > 0) return {measure::Phase::kPrefill, test.prompt, test.depth};
  return measure::decode_piece(test.answer, std::max(1, test.depth));
}

}  // namespace

BenchRuns::BenchRuns(const std::string& model, const gguf::File& file,
                     const engine::Options& options, const engine::Engine& engine)
    : guesses_(options.speculate != engine::Speculate::kOff),
      subject_(engine.uses_gpu()
                   ? nullptr
                   : subject_of(model, file, options.kv, engine.threads(), options.prefill_chunk)) {
  if (subject_) recorder_ = make_recorder();
}

void BenchRuns::begin(const measure::BenchTest& test) {
  const measure::Piece piece = piece_of(test);
  if (subject_) run_ = recorder_->begin(subject_, {&piece, 1});
}

void BenchRuns::end(const measure::BenchResult* result) {
  if (!subject_) return;
  const auto tok_s = result != nullptr ? result->median("tok_s") : std::nullopt;
  if (!tok_s) {
    recorder_->end(run_, {});
    return;
  }
  const measure::BenchTest& test = result->test;
  measure::Took took{piece_of(test), 0};
  took.seconds = took.piece.tokens * test.batch / *tok_s;
  if (guesses_ && test.prompt == 0) took.left_out = "tokens were guessed ahead";
  if (test.batch > 1) took.left_out = fmt::format("a batch of {}", test.batch);
  recorder_->end(run_, {&took, 1});
}

}  // namespace handmill::cli
