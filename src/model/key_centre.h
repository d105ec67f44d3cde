// What the keys of a layer have in common. Qwen2's keys have a bias that in some dimensions is a
// hundred times what the token adds, mostly in those that the rotation hardly turns (rotary
// frequencies of less than a turn in a whole context); int8 keys would spend their codes on it.
#pragma once

#include <span>
#include <vector>

#include "model/model.h"

namespace handmill::model {

/// [kKvBlock, kv_heads · head_dim], from the keys' bias [kv_heads · head_dim]: row r is the bias as
/// it is in the middle of a block, turned back to the block's position r. Rotated there, it is the
/// same for the whole block, and near the rotated bias in all but the fastest dimensions.
std::vector<float> key_centres(std::span<const float> bias, const Config& config,
                               std::span<const double> frequency);

}  // namespace handmill::model
