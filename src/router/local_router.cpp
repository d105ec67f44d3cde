#include "router/local_router.h"

#include <spdlog/spdlog.h>

#include "base/error.h"
#include "base/quote.h"
#include "engine/gpu_needs.h"
#include "router/completion_job.h"
#include "router/embedding_job.h"
#include "router/facts.h"
#include "router/names.h"
#include "router/prepare.h"

namespace handmill::router {
namespace {

/// Of a request that was refused at once: there is nothing to cancel.
class NoTicket final : public Ticket {};

class JobTicket final : public Ticket {
 public:
  JobTicket(const std::shared_ptr<Keeper>& keeper, size_t model, std::shared_ptr<Job> job)
      : keeper_(keeper), model_(model), job_(std::move(job)) {}
  ~JobTicket() override {
    if (const auto keeper = keeper_.lock()) keeper->cancel(model_, job_);
  }

 private:
  std::weak_ptr<Keeper> keeper_;
  size_t model_;
  std::shared_ptr<Job> job_;
};

Result<Listed> list(const ModelSource& source, const engine::Options& options,
                    const std::optional<engine::GpuDevice>& gpu) {
  HANDMILL_TRY(const gguf::File file, gguf::File::open(source.path));
  Listed listed;
  HANDMILL_TRY(listed.info, describe(source, file));
  HANDMILL_TRY(listed.needs, needs(file, options, gpu));
  return listed;
}

api::Fault internal(const std::exception& e) {
  return {api::Fault::Kind::kInternal, fmt::format("the request failed: {}", e.what())};
}

}  // namespace

Result<std::unique_ptr<Router>> LocalRouter::make(const Options& options, OpenEngine open) {
  if (options.queue_max == 0) return base::invalid("queue_max is 0; it must be at least 1");
  HANDMILL_TRY(const auto gpu, engine::find_gpu(options.engine.gpu));
  std::vector<Listed> models;
  std::map<std::string, std::string> paths;  // by folded name
  std::optional<Error> first;
  for (const ModelSource& source : options.models) {
    const auto [at, is_new] = paths.emplace(folded(source.name), source.path);
    if (!is_new) {
      spdlog::warn("{}: left out, {} has the same name", source.path, at->second);
      continue;
    }
    auto listed = list(source, options.engine, gpu);
    if (listed.ok()) {
      models.push_back(std::move(*listed));
      continue;
    }
    spdlog::warn("{}: left out: {}", source.name, listed.error().message);
    if (!first) first = listed.error();
    paths.erase(at);
  }
  if (models.empty()) return first ? *first : base::not_found("there is no model to serve");
  return std::unique_ptr<Router>(
      std::make_unique<LocalRouter>(std::move(models), options, std::move(open),
                                    gpu ? engine::gpu_room(*gpu, options.engine.gpu).bytes() : 0));
}

LocalRouter::LocalRouter(std::vector<Listed> models, const Options& options, OpenEngine open,
                         uint64_t gpu_bytes)
    : observer_(options.observer) {
  for (size_t i = 0; i < models.size(); ++i) names_.emplace(folded(models[i].info.name), i);
  keeper_ = std::make_shared<Keeper>(std::move(models), options, std::move(open), gpu_bytes);
}

std::optional<size_t> LocalRouter::place(std::string_view name) const {
  if (name.empty()) return 0;
  const auto at = names_.find(folded(name));
  if (at == names_.end()) return {};
  return at->second;
}

std::vector<ModelInfo> LocalRouter::models() const {
  std::vector<ModelInfo> all;
  for (size_t i = 0; i < keeper_->models().size(); ++i) all.push_back(keeper_->info(i));
  return all;
}

std::optional<ModelInfo> LocalRouter::find(std::string_view name) const {
  const auto at = place(name);
  if (!at) return {};
  return keeper_->info(*at);
}

Outcome<std::shared_ptr<Job>> LocalRouter::prepared(size_t model, api::Completion&& completion,
                                                    Owner owner, const Sink& sink) {
  const auto accepted = Job::Clock::now();
  if (auto fault = check(completion)) return std::move(*fault);
  auto front = keeper_->front(model);
  if (auto* fault = std::get_if<api::Fault>(&front)) return std::move(*fault);
  const auto& ready = std::get<std::shared_ptr<const Front>>(front);
  const int positions = positions_for(keeper_->positions(model), completion.context);
  auto prompts = prepare(*ready, completion, positions);
  if (auto* fault = std::get_if<api::Fault>(&prompts)) return std::move(*fault);
  return std::shared_ptr<Job>(std::make_shared<CompletionJob>(
      ready, std::move(completion), std::get<std::vector<chat::Prompt>>(std::move(prompts)), owner,
      sink, accepted, Observed{observer_, keeper_->models()[model].info.name}));
}

Outcome<std::shared_ptr<Job>> LocalRouter::prepared(size_t model, api::Embedding&& embedding,
                                                    Owner owner, const EmbeddingSink& sink) {
  const auto accepted = Job::Clock::now();
  auto front = keeper_->front(model);
  if (auto* fault = std::get_if<api::Fault>(&front)) return std::move(*fault);
  auto inputs =
      prepare(*std::get<std::shared_ptr<const Front>>(front), embedding, keeper_->positions(model));
  if (auto* fault = std::get_if<api::Fault>(&inputs)) return std::move(*fault);
  return std::shared_ptr<Job>(std::make_shared<EmbeddingJob>(
      std::move(embedding), std::get<std::vector<std::vector<text::Token>>>(std::move(inputs)),
      owner, sink, accepted));
}

template <class Asked, class Tell>
std::unique_ptr<Ticket> LocalRouter::submit_any(Asked asked, Owner owner, Tell sink) {
  const auto refused = [&sink](api::Fault fault) {
    sink(std::move(fault));
    return std::make_unique<NoTicket>();
  };
  const auto model = place(asked.model);
  if (!model) return refused(no_model(asked.model));
  if (auto fault = keeper_->enter(*model)) return refused(std::move(*fault));
  const api::KeepAlive keep_alive = asked.keep_alive;
  Outcome<std::shared_ptr<Job>> made;
  try {
    made = prepared(*model, std::move(asked), owner, sink);
  } catch (const std::exception& e) {
    made = internal(e);
  }
  if (auto* fault = std::get_if<api::Fault>(&made)) {
    auto ticket = refused(std::move(*fault));
    keeper_->leave(*model);
    return ticket;
  }
  auto& job = std::get<std::shared_ptr<Job>>(made);
  auto ticket = std::make_unique<JobTicket>(keeper_, *model, job);
  keeper_->submit(*model, std::move(job), keep_alive);
  return ticket;
}

std::unique_ptr<Ticket> LocalRouter::submit(api::Completion completion, Owner owner, Sink sink) {
  return submit_any(std::move(completion), owner, std::move(sink));
}

std::unique_ptr<Ticket> LocalRouter::submit(api::Embedding embedding, Owner owner,
                                            EmbeddingSink sink) {
  return submit_any(std::move(embedding), owner, std::move(sink));
}

void LocalRouter::preload(std::string_view model, api::KeepAlive keep_alive,
                          std::function<void(std::optional<api::Fault>)> done) {
  if (const auto at = place(model)) return keeper_->preload(*at, keep_alive, std::move(done));
  done(no_model(model));
}

void LocalRouter::unload(std::string_view model) {
  if (const auto at = place(model)) keeper_->unload(*at);
}

Outcome<std::shared_ptr<const Front>> LocalRouter::front(std::string_view model) {
  const auto at = place(model);
  if (!at) return no_model(model);
  return keeper_->front(*at);
}

Outcome<std::vector<text::Token>> LocalRouter::tokenize(std::string_view model,
                                                        const api::Prompt& prompt, bool bos) {
  auto front = this->front(model);
  if (auto* fault = std::get_if<api::Fault>(&front)) return std::move(*fault);
  auto made = make_prompt(*std::get<std::shared_ptr<const Front>>(front), prompt, bos, {});
  if (auto* fault = std::get_if<api::Fault>(&made)) return std::move(*fault);
  return std::get<chat::Prompt>(std::move(made)).tokens;
}

Outcome<std::string> LocalRouter::detokenize(std::string_view model,
                                             std::span<const text::Token> tokens) {
  auto front = this->front(model);
  if (auto* fault = std::get_if<api::Fault>(&front)) return std::move(*fault);
  const auto& tokenizer = std::get<std::shared_ptr<const Front>>(front)->tokenizer;
  text::Detokenizer detokenizer(tokenizer, true);
  std::string text;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0 || tokens[i] >= tokenizer->vocab_size())
      return invalid(base::invalid("token {} at {} is outside the vocabulary of {}", tokens[i], i,
                                   tokenizer->vocab_size()),
                     "tokens");
    text += detokenizer.push(tokens[i]);
  }
  return text + detokenizer.finish();
}

Outcome<std::string> LocalRouter::apply_template(std::string_view model,
                                                 const api::Conversation& conversation) {
  auto front = this->front(model);
  if (auto* fault = std::get_if<api::Fault>(&front)) return std::move(*fault);
  auto made = make_prompt(*std::get<std::shared_ptr<const Front>>(front), conversation, false, {});
  if (auto* fault = std::get_if<api::Fault>(&made)) return std::move(*fault);
  return std::get<chat::Prompt>(std::move(made)).text;
}

Result<std::shared_ptr<const gguf::File>> LocalRouter::file(std::string_view model) {
  const auto at = place(model);
  if (!at) return base::not_found("there is no model {}", base::quoted(model));
  auto front = keeper_->front(*at);
  if (const auto* fault = std::get_if<api::Fault>(&front)) return base::io("{}", fault->message);
  return std::get<std::shared_ptr<const Front>>(front)->file;
}

Result<std::unique_ptr<Router>> Router::make(Options options) {
  return LocalRouter::make(
      options, [](std::shared_ptr<const gguf::File> file, const engine::Options& engine) {
        return engine::Engine::open(std::move(file), engine);
      });
}

}  // namespace handmill::router
