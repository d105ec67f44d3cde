// What is decided: which model is loaded next, and which is let go for it.
#include <algorithm>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <system_error>

#include "router/keeper.h"

namespace handmill::router {
namespace {

uint64_t mib(uint64_t bytes) { return (bytes + (1u << 20) - 1) >> 20; }

}  // namespace

void Keeper::run() {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    dirty_ = false;
    reap(lock);
    const auto next = expire();
    load_next(lock);
    for (const auto& model : models_) hand_over(*model);
    const auto called = [this] { return dirty_ || closing_; };
    if (next)
      changed_.wait_until(lock, *next, called);
    else
      changed_.wait(lock, called);
  }
}

/// The models whose threads have come to their end.
void Keeper::reap(std::unique_lock<std::mutex>& lock) {
  for (const auto& model : models_) {
    if (!model->closed) continue;
    std::unique_ptr<Worker> worker = std::move(model->worker);
    std::shared_ptr<const Front> front = std::move(model->front);
    lock.unlock();
    worker.reset();
    front.reset();
    lock.lock();
    model->closed = model->leaving = false;
    model->memory = model->gpu = 0;
    model->positions = 0;
    model->phase = Phase::kUnloaded;
    if (model->wanted()) want(*model);
  }
}

/// Lets go of models whose time is over; when the next one's is.
std::optional<Keeper::Clock::time_point> Keeper::expire() {
  std::optional<Clock::time_point> next;
  for (const auto& model : models_) {
    if (!model->quiet() || !model->pending.empty()) continue;
    const auto when = expiry(*model);
    if (!when) continue;
    if (*when <= Clock::now())
      stop(*model);
    else if (!next || *when < *next)
      next = when;
  }
  return next;
}

void Keeper::stop(Model& model) {
  model.phase = Phase::kStopping;
  model.worker->stop();
}

uint64_t Keeper::held() const {
  uint64_t bytes = 0;
  for (const auto& model : models_) bytes += model->memory;
  return bytes;
}

/// The first of the queue, if there is room or room can be made. Decided anew each time: those who
/// waited may have left.
void Keeper::load_next(std::unique_lock<std::mutex>& lock) {
  for (const auto& model : models_) model->leaving = false;
  while (!queue_.empty() && !queue_.front()->wanted()) {
    queue_.front()->phase = Phase::kUnloaded;
    queue_.pop_front();
  }
  const bool loading = std::any_of(models_.begin(), models_.end(), [](const auto& model) {
    return model->phase == Phase::kLoading;
  });
  if (queue_.empty() || loading) return;
  Model& next = *queue_.front();
  if (make_gpu_room(next)) return;
  const Needs needs = needs_now(next);
  const uint64_t least = needs.least();
  const uint64_t most = budget_.room_alone(held());
  const uint64_t room = budget_.room(held());
  if (least > most) {
    queue_.pop_front();
    next.phase = Phase::kUnloaded;
    const std::string why = plan_text(next, needs, most);
    spdlog::warn("{}", why);
    refuse(next, {api::Fault::Kind::kUnavailable, why, "model"}, lock);
    wake();
  } else if (least <= room) {
    queue_.pop_front();
    start(next, needs, room, lock);
  } else {
    make_room(needs, room);
  }
}

uint64_t Keeper::gpu_free() const {
  uint64_t bytes = 0;
  for (const auto& model : models_) bytes += model->gpu;
  return gpu_bytes_ - std::min(gpu_bytes_, bytes);
}

/// An engine that finds less of the GPU than its plan takes all the less of it: so much the
/// processor's memory must hold at most.
Needs Keeper::needs_now(const Model& model) const {
  const Needs& needs = listed(model).needs;
  return needs.gpu && needs.gpu->bytes <= gpu_free() ? needs.beside_gpu() : needs;
}

/// Lets idle models go that hold the GPU's memory, the least recently used first, where the next
/// one then is there as it would be alone. True while they go. Nobody waits for a busy one.
bool Keeper::make_gpu_room(const Model& next) {
  const Needs& needs = listed(next).needs;
  if (!needs.gpu || needs.gpu->bytes <= gpu_free()) return false;
  uint64_t coming = gpu_free();
  std::vector<Model*> idle;
  for (const auto& model : models_) {
    if (model->phase == Phase::kStopping) coming += model->gpu;
    if (model->quiet() && model->gpu > 0) idle.push_back(model.get());
  }
  std::sort(idle.begin(), idle.end(),
            [](const Model* a, const Model* b) { return a->used < b->used; });
  size_t count = 0;
  for (; count < idle.size() && coming < needs.gpu->bytes; ++count) coming += idle[count]->gpu;
  if (coming < needs.gpu->bytes) return false;
  for (size_t i = 0; i < count; ++i) stop(*idle[i]);
  return true;
}

std::string Keeper::plan_text(const Model& model, const Needs& needs, uint64_t most) const {
  const uint64_t cache = needs.least() - needs.weights - needs.buffers;
  return fmt::format(
      "model {} needs {} MiB of memory ({} of weights, {} for a context of {}, {} of buffers); "
      "models may take {} MiB here",
      listed(model).info.name, mib(needs.least()), mib(needs.weights), mib(cache),
      needs.least_context(), mib(needs.buffers), mib(most));
}

/// Idle models go, the least recently used first, if they make room enough. Otherwise busy ones are
/// to go too, when they are idle; until then nothing that is of use goes.
void Keeper::make_room(const Needs& needs, uint64_t room) {
  const uint64_t least = needs.least();
  uint64_t coming = room;
  std::vector<Model*> candidates;
  for (const auto& model : models_) {
    if (model->phase == Phase::kStopping) coming += model->memory;
    if (model->phase == Phase::kLoaded) candidates.push_back(model.get());
  }
  std::sort(candidates.begin(), candidates.end(), [](const Model* a, const Model* b) {
    return a->quiet() != b->quiet() ? a->quiet() : a->used < b->used;
  });
  std::vector<Model*> chosen;
  for (Model* model : candidates) {
    if (coming >= least) break;
    coming += model->memory;
    chosen.push_back(model);
  }
  // One of the first may be small, and of no use beside a later one.
  std::erase_if(chosen, [&](const Model* model) {
    if (coming < least + model->memory) return false;
    coming -= model->memory;
    return true;
  });
  const bool all_quiet =
      std::all_of(chosen.begin(), chosen.end(), [](const Model* model) { return model->quiet(); });
  for (Model* model : chosen) {
    if (all_quiet)
      stop(*model);
    else
      model->leaving = true;
  }
}

void Keeper::start(Model& model, const Needs& needs, uint64_t room,
                   std::unique_lock<std::mutex>& lock) {
  const int context = needs.context(room);
  model.memory = needs.with_context(context);
  if (needs.gpu) model.gpu = std::min(needs.gpu->bytes, gpu_free());
  model.phase = Phase::kLoading;
  const Worker::Listener listener = {
      .opened = [this, &model](const auto& engine) { opened(model, engine); },
      .ended = [this, &model](size_t jobs) { ended(model, jobs); },
      .closed = [this, &model] { closed(model); }};
  try {
    model.worker = std::make_unique<Worker>(
        [this, &model, context, gpu = model.gpu] { return open(model, context, gpu); }, listener);
  } catch (const std::system_error& e) {
    model.memory = model.gpu = 0;
    model.phase = Phase::kUnloaded;
    refuse(model, {api::Fault::Kind::kUnavailable, e.what(), "model"}, lock);
  }
}

/// Fails all that wait for the model. The lock is free while they are told.
void Keeper::refuse(Model& model, api::Fault fault, std::unique_lock<std::mutex>& lock) {
  const std::deque<Waiting> pending = std::exchange(model.pending, {});
  const std::vector<Done> preloads = std::exchange(model.preloads, {});
  lock.unlock();
  for (const Waiting& waiting : pending) waiting.job->fail(fault);
  for (const Done& done : preloads) done(fault);
  lock.lock();
  model.active -= pending.size();
}

void Keeper::close() {
  std::unique_lock lock(mutex_);
  const bool first = !closing_;
  draining_ = closing_ = true;
  changed_.notify_one();
  if (!first) return;
  lock.unlock();
  thread_.join();
  lock.lock();
  for (const auto& model : models_) refuse(*model, shutting_down(), lock);
  for (const auto& model : models_) {
    model->phase = Phase::kStopping;
    std::unique_ptr<Worker> worker = std::move(model->worker);
    lock.unlock();
    worker.reset();
    lock.lock();
  }
}

}  // namespace handmill::router
