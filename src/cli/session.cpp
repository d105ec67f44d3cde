#include "cli/session.h"

#include <chrono>
#include <fmt/format.h>
#include <random>

#include "base/error.h"
#include "cli/follow.h"
#include "cli/home.h"
#include "cli/interrupt.h"
#include "cli/progress_bar.h"

namespace handmill::cli {
namespace {

/// Short enough to be read aloud and exact in every JSON reader.
uint64_t draw_seed() { return std::random_device{}(); }

}  // namespace

void declare_model(Args& args, std::string& model) {
  args.positional("[MODEL]", model, "A model's name or path [the default model]");
}

void declare_threads(Args& args, int& threads) {
  args.option("-t,--threads", "N", threads,
              "Compute with N threads [as many as this process may use]");
  args.check([&threads] { return check_threads(threads); });
}

Status check_threads(int threads) {
  constexpr int kMostThreads = 4096;
  if (threads >= 0 && threads <= kMostThreads) return {};
  return base::invalid("--threads is {}; it must be from 1 to {} (0 chooses)", threads,
                       kMostThreads);
}

void declare_kv(Args& args, std::string& kv) {
  args.choice("--kv", {"f16", "q8_0"}, kv,
              "Number format of the key/value cache; q8_0 takes about half the memory [f16]");
}

void declare_speculation(Args& args, SpeculationFlags& flags) {
  args.choice("--speculate", {"auto", "off", "lookup"}, flags.how,
              fmt::format("Guess what was in the text before, and verify it at once: as far as it "
                          "pays, never, or always; the answer is the same [{}]",
                          flags.how));
  args.option("--draft", "MODEL", flags.draft,
              "Let a smaller model of the same vocabulary guess too");
  args.check([&flags]() -> Status {
    if (flags.draft.empty() || flags.how != "off") return {};
    return base::invalid("--draft has nothing to do with --speculate off; use auto");
  });
}

void declare_engine(Args& args, EngineFlags& flags) {
  args.group("Engine");
  declare_threads(args, flags.threads);
  args.option("-c,--context", "N", flags.context,
              "Room for N tokens of prompt and answer [the model's own, if memory allows]");
  args.check([&flags]() -> Status {
    if (flags.context >= 0) return {};
    return base::invalid("--context is {}; it must be positive (0 chooses)", flags.context);
  });
  declare_kv(args, flags.kv);
  declare_gpu(args, flags.gpu);
}

backend::KvType kv_type(const std::string& name) {
  using backend::KvType;
  return name == kv_name(KvType::kQ8_0) ? KvType::kQ8_0 : KvType::kF16;
}

Result<engine::Options> engine_options(const EngineFlags& flags) {
  engine::Options options;
  options.threads = flags.threads;
  options.context = flags.context;
  options.kv = kv_type(flags.kv);
  options.speculate = flags.speculation.how == "off"      ? engine::Speculate::kOff
                      : flags.speculation.how == "lookup" ? engine::Speculate::kAlways
                                                          : engine::Speculate::kAuto;
  options.panels_folder = panels_folder();
  options.gpu = gpu_options(flags.gpu, flags.threads);
  if (!flags.speculation.draft.empty()) {
    HANDMILL_TRY(const ModelFile draft, find_model(flags.speculation.draft));
    HANDMILL_TRY(options.draft, open_file(draft));
  }
  return options;
}

Result<std::shared_ptr<const gguf::File>> open_file(const ModelFile& model) {
  HANDMILL_TRY(gguf::File file, gguf::File::open(model.path));
  return std::make_shared<const gguf::File>(std::move(file));
}

Result<std::unique_ptr<engine::Engine>> open_engine(const ModelFile& model,
                                                    std::shared_ptr<const gguf::File> file,
                                                    const engine::Options& options) {
  ProgressBar bar("Loading " + model.name);
  return engine::Engine::open(std::move(file), options, bar.callback());
}

Result<std::unique_ptr<Session>> Session::open(const ModelFile& model, const EngineFlags& flags) {
  const auto start = std::chrono::steady_clock::now();
  auto session = std::make_unique<Session>();
  session->name = model.name;
  HANDMILL_TRY(session->file, open_file(model));
  HANDMILL_TRY(const engine::Options options, engine_options(flags));
  HANDMILL_TRY(session->engine, open_engine(model, session->file, options));
  HANDMILL_TRY(session->chat_template, chat::Template::load(*session->file, session->tokenizer()));
  session->recorder = make_recorder();
  if (!session->engine->uses_gpu())  // what is predicted is the processor's
    session->subject = subject_of(model.name, *session->file, options.kv,
                                  session->engine->threads(), options.prefill_chunk);
  session->load_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return session;
}

Result<chat::Prompt> chat_prompt(const Session& session,
                                 const std::vector<chat::Message>& messages) {
  return chat::make_prompt(*session.chat_template, session.tokenizer(), messages);
}

chat::Prompt raw_prompt(const Session& session, std::string_view text, bool special) {
  const text::Tokenizer& tokenizer = session.tokenizer();
  return chat::raw_prompt(tokenizer, text, special, tokenizer.add_bos());
}

namespace {

/// To the end, or to Ctrl-C.
void step_until(engine::Engine& engine, engine::RequestId id, const bool& finished) {
  bool cancelled = false;
  do {
    if (interrupt::raised() && !cancelled) {
      engine.cancel(id);
      cancelled = true;
    }
  } while (!finished && engine.step());
}

}  // namespace

Result<Answer> generate(const Session& session, std::vector<text::Token> prompt,
                        const Parameters& parameters,
                        const std::function<void(std::string_view)>& on_text) {
  engine::Engine& engine = *session.engine;
  const auto tokens = static_cast<int>(prompt.size());
  Answer answer;
  engine::Request request;
  request.prompt = std::move(prompt);
  request.sampling = parameters.sampling;
  answer.seed = parameters.sampling.seed.value_or(draw_seed());
  request.sampling.seed = answer.seed;
  request.max_tokens = parameters.max_tokens;
  request.stop = parameters.stop;

  bool finished = false;
  std::string error;
  const auto sink = [&](const engine::Event& event) {
    answer.text += event.text;
    if (!event.text.empty()) on_text(event.text);
    if (!event.finish) return;
    finished = true;
    answer.finish = *event.finish;
    answer.stop = event.stop;
    answer.timings = event.timings;
    error = event.error;
  };
  measure::Recorder::RunId run = 0;
  if (session.subject) run = session.recorder->begin(session.subject, measure::foreseen(tokens));
  const auto id = engine.submit(std::move(request), sink);
  if (id.ok()) step_until(engine, *id, finished);
  if (session.subject) answer.verdict = session.recorder->end(run, measure::took(answer.timings));
  if (!id.ok()) return id.error();
  if (answer.finish == engine::Finish::kError || !finished)
    return base::invalid("{}", error.empty() ? "the engine stopped without an answer" : error);
  return answer;
}

}  // namespace handmill::cli
