// A loaded model, ready to answer: file, engine, tokenizer and chat template, and the loop that
// turns a prompt into text. Serves `run`, the chat and `bench`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/chat.h"
#include "chat/prompt.h"
#include "cli/args.h"
#include "cli/gpu_flags.h"
#include "cli/model_name.h"
#include "cli/parameters.h"
#include "engine/engine.h"
#include "gguf/file.h"
#include "measure/recorder.h"

namespace handmill::cli {

struct SpeculationFlags {
  std::string how = "auto";
  std::string draft;  // a model's name or path, or none
};
/// How an engine is made: the flags that every command with one takes, and speculation.
struct EngineFlags {
  int threads = 0;
  int context = 0;
  std::string kv = "f16";
  SpeculationFlags speculation;
  GpuFlags gpu = {};
};
void declare_model(Args& args, std::string& model);
/// --threads, for a command that may need none.
void declare_threads(Args& args, int& threads);
Status check_threads(int threads);
void declare_kv(Args& args, std::string& kv);
/// Of a name that declare_kv() let in.
backend::KvType kv_type(const std::string& name);
void declare_speculation(Args& args, SpeculationFlags& flags);
/// All of EngineFlags but speculation.
void declare_engine(Args& args, EngineFlags& flags);
/// Opens the draft model's file, if one is named.
Result<engine::Options> engine_options(const EngineFlags& flags);

/// Opens the file, with a progress bar while the weights are packed.
Result<std::unique_ptr<engine::Engine>> open_engine(const ModelFile& model,
                                                    std::shared_ptr<const gguf::File> file,
                                                    const engine::Options& options);
Result<std::shared_ptr<const gguf::File>> open_file(const ModelFile& model);

struct Session {
  std::string name;
  std::shared_ptr<const gguf::File> file;
  std::unique_ptr<engine::Engine> engine;
  std::shared_ptr<const chat::Template> chat_template;
  double load_s = 0;
  std::unique_ptr<measure::Recorder> recorder;
  std::shared_ptr<const measure::Subject> subject;  // none: runs are not followed

  static Result<std::unique_ptr<Session>> open(const ModelFile& model, const EngineFlags& flags);
  const text::Tokenizer& tokenizer() const { return *engine->tokenizer(); }
};

/// Through the model's template: what the messages hold never becomes a control token.
Result<chat::Prompt> chat_prompt(const Session& session,
                                 const std::vector<chat::Message>& messages);
/// The text as it is; control tokens in it count only with `special`.
chat::Prompt raw_prompt(const Session& session, std::string_view text, bool special);

struct Answer {
  std::string text;
  engine::Finish finish = engine::Finish::kStop;
  std::string stop;  // the stop string that ended it, if one did
  uint64_t seed = 0;
  engine::Timings timings;
  measure::RunVerdict verdict;  // empty where runs are not followed
};

/// Held against what was predicted of it. Runs the engine until the answer is complete or Ctrl-C
/// (interrupt.h) has stopped it. `on_text` gets each piece as it comes.
Result<Answer> generate(const Session& session, std::vector<text::Token> prompt,
                        const Parameters& parameters,
                        const std::function<void(std::string_view)>& on_text);

}  // namespace handmill::cli
