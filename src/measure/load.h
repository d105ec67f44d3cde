// How long a model takes until it can answer, before it is loaded: its file from the disk, and its
// weights into the kernels' layout. Left out: the tokenizer, some tens of milliseconds.
#pragma once

#include <cstdint>

#include "measure/machine.h"

namespace handmill::measure {

/// Seconds, each unknown where the machine has no such figure. Reading overlaps with packing only
/// as far as the kernel reads ahead, so a cold load is told as their sum.
struct LoadTime {
  Figure read_s;  // not where the file is in memory already
  Figure pack_s;  // not where the model was prepared
  bool known() const { return read_s.known() && pack_s.known(); }
  double cold_s() const { return read_s.value + pack_s.value; }
};
LoadTime predict_load(uint64_t file_bytes, const Machine& machine);

}  // namespace handmill::measure
