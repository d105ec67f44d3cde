#include "router/job.h"

namespace handmill::router {

api::Timings Job::timings(const engine::Timings& measured, Clock::time_point submitted) const {
  const double before = seconds(submitted - accepted_);
  api::Timings timings;
  timings.queue_s = before + measured.queue_s;
  timings.load_s = load_s_;
  timings.ttft_s = before + measured.ttft_s;
  timings.prefill_s = measured.prefill_s;
  timings.decode_s = measured.decode_s;
  timings.total_s = seconds(Clock::now() - accepted_);
  return timings;
}

}  // namespace handmill::router
