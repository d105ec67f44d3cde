// What the server's router tells its runs to: the recorder, which holds them against predictions.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "measure/recorder.h"
#include "router/observer.h"
#include "router/router.h"

namespace handmill::cli {

/// A model's file is read when it is first told of. Thread-safe.
class RunObserver final : public router::Observer {
 public:
  RunObserver(const std::vector<router::ModelSource>& models, const engine::Options& engine);

  Run begun(std::string_view model, int prompt_tokens) override;
  api::Roofs ended(Run run, const engine::Timings& timings) override;

 private:
  struct Model {
    std::string path;
    bool is_read = false;
    std::shared_ptr<const measure::Subject> subject = {};
  };
  std::shared_ptr<const measure::Subject> subject(std::string_view name);

  const engine::Options engine_;
  std::mutex mutex_;
  std::map<std::string, Model, std::less<>> models_;
  std::unique_ptr<measure::Recorder> recorder_;
};

}  // namespace handmill::cli
