// The Router of this process's own engines. In a header for its tests, which open other engines.
#pragma once

#include <map>

#include "router/keeper.h"
#include "router/router.h"

namespace handmill::router {

class LocalRouter final : public Router {
 public:
  /// Files that cannot be used are left out, with a line in the log; none left is an error.
  static Result<std::unique_ptr<Router>> make(const Options& options, OpenEngine open);
  LocalRouter(std::vector<Listed> models, const Options& options, OpenEngine open,
              uint64_t gpu_bytes);
  ~LocalRouter() override { keeper_->close(); }

  std::vector<ModelInfo> models() const override;
  std::optional<ModelInfo> find(std::string_view name) const override;
  std::vector<ModelStats> stats() const override { return keeper_->stats(); }

  std::unique_ptr<Ticket> submit(api::Completion completion, Owner owner, Sink sink) override;
  std::unique_ptr<Ticket> submit(api::Embedding embedding, Owner owner,
                                 EmbeddingSink sink) override;
  void preload(std::string_view model, api::KeepAlive keep_alive,
               std::function<void(std::optional<api::Fault>)> done) override;
  void unload(std::string_view model) override;

  Outcome<std::vector<text::Token>> tokenize(std::string_view model, const api::Prompt& prompt,
                                             bool bos) override;
  Outcome<std::string> detokenize(std::string_view model,
                                  std::span<const text::Token> tokens) override;
  Outcome<std::string> apply_template(std::string_view model,
                                      const api::Conversation& conversation) override;
  Result<std::shared_ptr<const gguf::File>> file(std::string_view model) override;

  void drain() override { keeper_->drain(); }
  bool idle() const override { return keeper_->idle(); }

 private:
  std::optional<size_t> place(std::string_view name) const;
  Outcome<std::shared_ptr<const Front>> front(std::string_view model);
  Outcome<std::shared_ptr<Job>> prepared(size_t model, api::Completion&& completion, Owner owner,
                                         const Sink& sink);
  Outcome<std::shared_ptr<Job>> prepared(size_t model, api::Embedding&& embedding, Owner owner,
                                         const EmbeddingSink& sink);
  template <class Asked, class Tell>
  std::unique_ptr<Ticket> submit_any(Asked asked, Owner owner, Tell sink);

  std::map<std::string, size_t, std::less<>> names_;  // folded, to places
  const std::shared_ptr<Observer> observer_;          // or none
  std::shared_ptr<Keeper> keeper_;                    // tickets may outlive this
};

}  // namespace handmill::router
