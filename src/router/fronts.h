// The fronts of all models, each opened when it is first asked for, once for all who ask, and kept
// while someone holds it; the one asked for last is kept longer. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "router/front.h"

namespace handmill::router {

class Fronts {
 public:
  explicit Fronts(const std::vector<std::string>& paths);
  Result<std::shared_ptr<const Front>> get(size_t model);

 private:
  struct Place {
    std::string path;
    std::mutex opening;  // held while the front is opened
    std::weak_ptr<const Front> front;
  };
  std::vector<std::unique_ptr<Place>> places_;
  std::mutex mutex_;
  std::shared_ptr<const Front> latest_;
};

}  // namespace handmill::router
