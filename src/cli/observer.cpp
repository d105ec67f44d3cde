#include "cli/observer.h"

#include <spdlog/spdlog.h>

#include "cli/follow.h"

namespace handmill::cli {
namespace {

std::optional<api::RoofShares> told(const std::optional<measure::Shares>& shares) {
  if (!shares) return std::nullopt;
  return api::RoofShares{measure::limit_name(shares->limit),
                         shares->roof,
                         shares->kernels,
                         shares->attention,
                         shares->layers,
                         shares->other};
}

}  // namespace

RunObserver::RunObserver(const std::vector<router::ModelSource>& models,
                         const engine::Options& engine)
    : engine_(engine), recorder_(make_recorder()) {
  for (const router::ModelSource& model : models) models_[model.name] = {.path = model.path};
}

std::shared_ptr<const measure::Subject> RunObserver::subject(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto at = models_.find(name);
  if (at == models_.end()) return nullptr;
  Model& model = at->second;
  if (model.is_read) return model.subject;
  model.is_read = true;
  const auto file = gguf::File::open(model.path);
  if (file.ok())
    model.subject =
        subject_of(at->first, *file, engine_.kv, engine_.threads, engine_.prefill_chunk);
  return model.subject;
}

router::Observer::Run RunObserver::begun(std::string_view model, int prompt_tokens) {
  try {
    const auto found = subject(model);
    return found ? recorder_->begin(found, measure::foreseen(prompt_tokens)) : 0;
  } catch (const std::exception& e) {
    spdlog::warn("a run is not followed: {}", e.what());
    return 0;
  }
}

api::Roofs RunObserver::ended(Run run, const engine::Timings& timings) {
  try {
    const measure::RunVerdict verdict = recorder_->end(run, measure::took(timings));
    return {told(verdict.prefill), told(verdict.decode)};
  } catch (const std::exception& e) {
    spdlog::warn("a run is not followed: {}", e.what());
    return {};
  }
}

}  // namespace handmill::cli
