#include "model/key_centre.h"

#include <cmath>

namespace handmill::model {

std::vector<float> key_centres(std::span<const float> bias, const Config& config,
                               std::span<const double> frequency) {
  const auto dim = static_cast<size_t>(config.head_dim);
  const size_t pairs = frequency.size();
  std::vector<float> rows;
  for (int place = 0; place < backend::kKvBlock; ++place) {
    const size_t row = rows.size();
    rows.insert(rows.end(), bias.begin(), bias.end());
    for (size_t head = row; head < rows.size(); head += dim)
      for (size_t i = 0; i < pairs; ++i) {
        float& a = rows[head + (config.rope_neighbours ? 2 * i : i)];
        float& b = rows[head + (config.rope_neighbours ? 2 * i + 1 : i + pairs)];
        const double turn = frequency[i] * (backend::kKvBlock / 2 - place);
        const double c = std::cos(turn), s = std::sin(turn), a0 = a, b0 = b;
        a = static_cast<float>(a0 * c - b0 * s);
        b = static_cast<float>(a0 * s + b0 * c);
      }
  }
  return rows;
}

}  // namespace handmill::model
