#include "measure/bench_result.h"

#include <algorithm>
#include <functional>

namespace handmill::measure {
namespace {

template <class Figure>
Spread spread_over(const std::vector<BenchSample>& samples, Figure figure) {
  std::vector<double> values;
  for (const BenchSample& sample : samples) values.push_back(std::invoke(figure, sample));
  return spread_around_median(std::move(values));
}

}  // namespace

Spread spread_around_median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return {(values[(n - 1) / 2] + values[n / 2]) / 2, values.front(), values.back()};
}

Spread BenchResult::spread(double (BenchSample::*figure)() const) const {
  return spread_over(samples, figure);
}

Spread BenchResult::read_roof() const {
  return spread_over(samples, [](const BenchSample& sample) { return sample.roofs.read_bytes_s; });
}

Spread BenchResult::int8_roof() const {
  return spread_over(samples, [](const BenchSample& sample) { return sample.roofs.int8_ops_s; });
}

bool BenchResult::read_binds() const {
  return spread(&BenchSample::of_read_roof).median >= spread(&BenchSample::of_int8_roof).median;
}

model::Work BenchResult::work() const {
  model::Work work;
  for (const BenchSample& sample : samples) work += sample.work;
  return work;
}

double BenchResult::per_token(uint64_t amount) const {
  int64_t tokens = 0;
  for (const BenchSample& sample : samples) tokens += sample.tokens;
  return static_cast<double>(amount) / static_cast<double>(tokens);
}

}  // namespace handmill::measure
