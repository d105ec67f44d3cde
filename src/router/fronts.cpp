#include "router/fronts.h"

namespace handmill::router {

Fronts::Fronts(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    places_.push_back(std::make_unique<Place>());
    places_.back()->path = path;
  }
}

Result<std::shared_ptr<const Front>> Fronts::get(size_t model) {
  Place& place = *places_[model];
  std::shared_ptr<const Front> front;
  {
    const std::lock_guard lock(place.opening);
    front = place.front.lock();
    if (!front) {
      HANDMILL_TRY(front, Front::open(place.path));
      place.front = front;
    }
  }
  const std::lock_guard lock(mutex_);
  latest_ = front;
  return front;
}

}  // namespace handmill::router
