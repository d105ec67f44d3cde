// What a machine can do at most, and what the kernels reach of it: the figures that a prediction
// divides by. Every figure says where it comes from, so that nothing is told that has no source.
// As JSON it is kept for the next time.
// GB are 10^9 bytes; a multiply-add is two operations.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace handmill::measure {

enum class Source {
  kUnknown,
  kMeasured,  // here, by handmill
  kReported,  // by the operating system or a driver
  kGiven,     // by a data sheet, the catalogue or the user
};
std::string_view source_name(Source source);

struct Figure {
  double value = 0;
  Source source = Source::kUnknown;
  bool known() const { return source != Source::kUnknown; }
  bool operator==(const Figure&) const = default;
};

/// What products with weights of one format reach: bytes a second as the file has them where one
/// token is multiplied, operations a second where many are.
struct ProductRate {
  std::string format;  // "q4_k"
  Figure bytes_s;
  Figure ops_s;
  bool operator==(const ProductRate&) const = default;
};

/// What attention over a deep cache reaches: bytes of the cache a second for one token, operations
/// a second for many.
struct AttentionRate {
  std::string kv;  // "f16", "q8_0"
  Figure bytes_s;
  Figure ops_s;
  bool operator==(const AttentionRate&) const = default;
};

/// What a graphics processor does at most, through one driver: with another its figures are others.
struct DeviceRates {
  std::string name, driver;  // "NVIDIA H100 PCIe", "NVIDIA 580.159.04"
  Figure memory_bytes;       // that a process could take of its main heap when it was probed
  Figure read_bytes_s;       // from its memory, by its own shaders
  Figure int8_ops_s, f32_ops_s, f16_ops_s;  // of its shaders, without matrix units
  Figure upload_bytes_s, download_bytes_s;  // copies from and to the processor's memory
  Figure submit_s;                          // of a submission with next to no work, and its wait
  bool operator==(const DeviceRates&) const = default;
};

struct Machine {
  std::string name;    // "AMD EPYC 9654, 2 threads", "4060Ti"
  std::string engine;  // what the rates below were measured with: "avx512vnni, 2 threads"; or empty
  Figure memory_bytes;
  Figure read_bytes_s;  // the roof of decode: reading memory that no cache holds
  Figure ops_s;         // the roof of prefill: products in the arithmetic that handmill uses there
  Figure layer_s;       // what a layer of one row costs beside bytes and operations: waiting, norms
  Figure elements_s;    // numbers of many rows that pass between products: norms, gates, coding
  Figure disk_bytes_s;  // reading the file that probe took for it, past the page cache
  Figure pack_bytes_s;  // of a load: bytes of a Q4_K file, from memory into the kernels' layout
  std::vector<ProductRate> products;        // by handmill's kernels; empty where never measured
  std::vector<AttentionRate> attention;     // over heads of 128
  std::vector<AttentionRate> attention_64;  // over heads of 64, whose every score costs as much
  std::vector<DeviceRates> devices;         // of identical ones the first
  bool operator==(const Machine&) const = default;

  /// Operations that must be done on a byte for arithmetic to bind, not memory: π / β (Williams,
  /// Waterman, Patterson 2009). 0: unknown.
  double ridge() const;
};

/// {"value", "source"}, or null where it is unknown.
boost::json::value to_json(const Figure& figure);
boost::json::object to_json(const DeviceRates& device);
/// Without a field for devices where there are none.
boost::json::object to_json(const Machine& machine);
/// Strict: an unknown field, a wrong type, a rate that is not above 0 or not finite, a list of more
/// than 64, a format or a device twice is kInvalid, and the message names the field.
Result<Machine> machine_from_json(std::string_view text);

}  // namespace handmill::measure
