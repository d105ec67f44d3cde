// What callers ask, and what workers tell. The decisions are in keeper_thread.cpp.
#include "router/keeper.h"

#include <algorithm>
#include <spdlog/spdlog.h>

#include "base/error.h"

namespace handmill::router {
namespace {

std::vector<std::string> paths(const std::vector<Listed>& models) {
  std::vector<std::string> paths;
  for (const Listed& model : models) paths.push_back(model.info.path);
  return paths;
}

}  // namespace

Keeper::Keeper(std::vector<Listed> models, const Options& options, OpenEngine open,
               uint64_t gpu_bytes)
    : listed_(std::move(models)),
      engine_(options.engine),
      queue_max_(options.queue_max),
      keep_alive_(options.keep_alive),
      open_(std::move(open)),
      budget_(options.memory_bytes),
      gpu_bytes_(gpu_bytes),
      fronts_(paths(listed_)) {
  for (size_t i = 0; i < listed_.size(); ++i) {
    models_.push_back(std::make_unique<Model>());
    models_.back()->place = i;
  }
  thread_ = std::thread([this] { run(); });
}

void Keeper::wake() {
  dirty_ = true;
  changed_.notify_one();
}

ModelInfo Keeper::info(size_t place) const {
  ModelInfo info = listed_[place].info;
  const std::lock_guard lock(mutex_);
  const Model& model = *models_[place];
  const bool loading = model.phase == Phase::kQueued || model.phase == Phase::kLoading;
  info.state = model.phase == Phase::kUnloaded ? State::kUnloaded
               : loading                       ? State::kLoading
                                               : State::kLoaded;
  info.memory_bytes = model.memory;
  if (const auto when = expiry(model); when && model.phase == Phase::kLoaded)
    info.expires =
        std::chrono::system_clock::now() +
        std::chrono::duration_cast<std::chrono::system_clock::duration>(*when - Clock::now());
  return info;
}

Outcome<std::shared_ptr<const Front>> Keeper::front(size_t place) {
  {
    const std::lock_guard lock(mutex_);
    if (models_[place]->front) return models_[place]->front;
  }
  auto front = fronts_.get(place);
  const ModelInfo& info = listed_[place].info;
  if (!front.ok()) return not_loaded(front.error(), info.path, info.name);
  return std::move(*front);
}

int Keeper::positions(size_t place) const {
  const std::lock_guard lock(mutex_);
  if (models_[place]->positions > 0) return models_[place]->positions;
  const Needs& needs = listed_[place].needs;
  return needs.wanted > 0 ? std::min(needs.wanted, needs.model_context) : needs.model_context;
}

std::optional<api::Fault> Keeper::enter(size_t place) {
  const std::lock_guard lock(mutex_);
  Model& model = *models_[place];
  if (draining_) return shutting_down();
  // Those that an engine computes at once do not wait.
  const auto computed = static_cast<size_t>(engine_.max_sequences);
  const size_t most = queue_max_ + (model.phase == Phase::kLoaded ? computed : 0);
  if (model.active + model.preloads.size() >= most)
    return api::Fault{
        api::Fault::Kind::kBusy,
        fmt::format("{} requests wait for the model already; try again later", queue_max_)};
  ++model.active;
  return {};
}

void Keeper::leave(size_t place) {
  const std::lock_guard lock(mutex_);
  --models_[place]->active;
}

void Keeper::submit(size_t place, std::shared_ptr<Job> job, api::KeepAlive keep_alive) {
  std::unique_lock lock(mutex_);
  Model& model = *models_[place];
  if (closing_) {
    --model.active;
    lock.unlock();
    return job->fail(shutting_down());
  }
  touch(model, keep_alive);
  const bool loaded = model.phase == Phase::kLoaded && !model.leaving && model.pending.empty();
  if (loaded && model.worker->post(job)) {
    ++model.running;
    return;
  }
  model.pending.push_back({std::move(job), model.used});
  want(model);
}

void Keeper::cancel(size_t place, const std::shared_ptr<Job>& job) {
  std::unique_lock lock(mutex_);
  Model& model = *models_[place];
  const auto is_it = [&job](const Waiting& waiting) { return waiting.job == job; };
  const auto at = std::find_if(model.pending.begin(), model.pending.end(), is_it);
  if (at == model.pending.end()) {
    if (model.worker) model.worker->cancel(job);
    return;
  }
  model.pending.erase(at);
  wake();  // it may have been the last that wanted the model
  lock.unlock();
  job->end_cancelled();
  leave(place);
}

void Keeper::preload(size_t place, api::KeepAlive keep_alive, Done done) {
  std::unique_lock lock(mutex_);
  Model& model = *models_[place];
  std::optional<api::Fault> fault;
  if (draining_) {
    fault = shutting_down();
  } else if (model.phase == Phase::kLoaded && !model.leaving) {
    touch(model, keep_alive);
    wake();
  } else if (model.preloads.size() >= queue_max_) {
    fault = api::Fault{api::Fault::Kind::kBusy, "too many requests wait for the model"};
  } else {
    touch(model, keep_alive);
    model.preloads.push_back(std::move(done));
    return want(model);
  }
  lock.unlock();
  done(std::move(fault));
}

void Keeper::unload(size_t place) {
  const std::lock_guard lock(mutex_);
  models_[place]->keep_alive = std::chrono::milliseconds(0);
  wake();
}

std::vector<ModelStats> Keeper::stats() const {
  const std::lock_guard lock(mutex_);
  std::vector<ModelStats> all;
  for (const auto& model : models_) {
    if (model->phase != Phase::kLoaded) continue;
    auto [engine, seconds] = model->worker->stats();
    all.push_back({listed(*model).info.name, engine, seconds});
  }
  return all;
}

void Keeper::drain() {
  const std::lock_guard lock(mutex_);
  draining_ = true;
}

bool Keeper::idle() const {
  const std::lock_guard lock(mutex_);
  return std::all_of(models_.begin(), models_.end(), [](const auto& model) {
    return model->active == 0 && model->preloads.empty();
  });
}

/// Queues the load, unless it is on its way.
void Keeper::want(Model& model) {
  if (model.phase == Phase::kUnloaded) {
    model.phase = Phase::kQueued;
    queue_.push_back(&model);
  }
  wake();
}

void Keeper::touch(Model& model, api::KeepAlive keep_alive) {
  model.keep_alive = keep_alive.value_or(keep_alive_);
  model.used = Clock::now();
}

std::optional<Keeper::Clock::time_point> Keeper::expiry(const Model& model) const {
  constexpr std::chrono::hours kForEver{24 * 365 * 10};
  if (model.keep_alive.count() < 0 || model.keep_alive > kForEver) return {};
  // One that works is used until now.
  return (model.running > 0 ? Clock::now() : model.used) + model.keep_alive;
}

void Keeper::hand_over(Model& model) {
  if (model.phase != Phase::kLoaded || model.leaving) return;
  while (!model.pending.empty()) {
    Waiting& next = model.pending.front();
    next.job->waited_for_load(Clock::now() - next.since);
    if (!model.worker->post(next.job)) return;  // it has failed; reap() follows
    ++model.running;
    model.pending.pop_front();
  }
}

Result<std::unique_ptr<engine::Engine>> Keeper::open(Model& model, int context, uint64_t gpu) {
  const ModelInfo& info = listed(model).info;
  HANDMILL_TRY(auto front, fronts_.get(model.place));
  // The plan was made for another.
  if (front->file->bytes() != info.file_bytes)
    return base::invalid("{} has {} bytes; it had {} when it was listed", info.path,
                         front->file->bytes(), info.file_bytes);
  engine::Options options = engine_;
  options.context = context;
  // Not every driver tells what others hold; where all is held the least limit is one.
  if (listed(model).needs.gpu) options.gpu.memory_bytes = std::max<uint64_t>(gpu, 1);
  auto engine = open_(front->file, options);
  if (!engine.ok()) return engine;
  const std::lock_guard lock(mutex_);
  model.front = std::move(front);
  return engine;
}

void Keeper::opened(Model& model, const Result<std::unique_ptr<engine::Engine>>& engine) {
  std::unique_lock lock(mutex_);
  if (!engine.ok()) {
    const ModelInfo& info = listed(model).info;
    const api::Fault fault = not_loaded(engine.error(), info.path, info.name);
    spdlog::warn("{}", fault.message);
    return refuse(model, fault, lock);
  }
  if (closing_) return;
  model.phase = Phase::kLoaded;
  model.positions = std::min((*engine)->context(), (*engine)->model_context());
  model.used = Clock::now();
  hand_over(model);
  const std::vector<Done> preloads = std::exchange(model.preloads, {});
  wake();
  lock.unlock();
  for (const Done& done : preloads) done({});
}

void Keeper::ended(Model& model, size_t jobs) {
  const std::lock_guard lock(mutex_);
  model.running -= jobs;
  model.active -= jobs;
  model.used = Clock::now();
  if (model.running == 0) wake();
}

void Keeper::closed(Model& model) {
  const std::lock_guard lock(mutex_);
  model.closed = true;
  wake();
}

}  // namespace handmill::router
