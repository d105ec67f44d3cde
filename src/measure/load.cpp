#include "measure/load.h"

namespace handmill::measure {
namespace {

Figure seconds_at(uint64_t bytes, const Figure& rate) {
  if (!rate.known()) return {};
  return {static_cast<double>(bytes) / rate.value, rate.source};
}

}  // namespace

LoadTime predict_load(uint64_t file_bytes, const Machine& machine) {
  return {.read_s = seconds_at(file_bytes, machine.disk_bytes_s),
          .pack_s = seconds_at(file_bytes, machine.pack_bytes_s)};
}

}  // namespace handmill::measure
