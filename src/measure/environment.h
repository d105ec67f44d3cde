// Where and with what a bench ran: what two benches must have in common to be compared.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "measure/noise.h"

namespace handmill::measure {

struct Environment {
  std::string version;            // of handmill
  std::string compiler;           // "GNU 12.2.0"
  std::string started;            // UTC: "2026-11-25T10:00:00Z"
  std::string target = "engine";  // or a server's address
  uint64_t model_bytes = 0;       // of its file; 0: unknown
  std::string speculate;          // "off"; empty: unknown
  std::string cpu, isa, kernel;
  std::string governor;  // of the first processor's clock; empty where the kernel has none
  int threads_usable = 0;
  uint64_t memory_bytes = 0;
  std::optional<Noise> noise;  // over the whole bench
};

/// The machine's part of it, now. Only a wrong HANDMILL_CPU is an error.
Result<Environment> read_environment(const std::string& version);

boost::json::object to_json(const Environment& environment);

/// The most memory that this process held so far, mapped files included; 0 where the kernel does
/// not say.
uint64_t peak_rss_bytes();

}  // namespace handmill::measure
