#include "measure/machines.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <vector>

#include "base/error.h"
#include "base/quote.h"

namespace handmill::measure {
namespace {

constexpr std::array kNamed = {
    NamedMachine{"4060Ti", 288e9, 22.06e12, 0,
                 "data sheet: FP16 of the shaders; leaves out the tensor cores, about twice that"},
    NamedMachine{"A10", 600e9, 125e12, 24e9,
                 "data sheet: dense FP16 of the tensor cores; the shaders alone do far less"},
    NamedMachine{
        "780M-30", 30e9, 16.59e12, 0,
        "dual-issue FP16, and 30 GB/s as a published article has them; leaves out that "
        "two channels of DDR5-5600 have 89.6 GB/s, and that few kernels issue two at once"},
    NamedMachine{"780M-DDR5-5600", 89.6e9, 16.59e12, 0,
                 "dual-issue FP16; two channels of 8 bytes at 5600 MT/s: a peak that no program "
                 "reaches, shared with the processor"},
    NamedMachine{"780M-DDR5-8400", 134.4e9, 16.59e12, 0,
                 "dual-issue FP16; two channels of 8 bytes at 8400 MT/s, memory beyond its "
                 "specification: a peak that no program reaches, shared with the processor"},
};

struct Unit {
  std::string_view text;  // lower case
  double scale;
  Figure Machine::* figure;
};
constexpr std::array kUnits = {
    Unit{"mb/s", 1e6, &Machine::read_bytes_s},  Unit{"gb/s", 1e9, &Machine::read_bytes_s},
    Unit{"tb/s", 1e12, &Machine::read_bytes_s}, Unit{"gflops", 1e9, &Machine::ops_s},
    Unit{"tflops", 1e12, &Machine::ops_s},      Unit{"mb", 1e6, &Machine::memory_bytes},
    Unit{"gb", 1e9, &Machine::memory_bytes},    Unit{"tb", 1e12, &Machine::memory_bytes},
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

Status read_figure(std::string_view text, Machine& machine) {
  const std::string word = lower(text);
  double value = 0;
  const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), value);
  const std::string_view unit(end, static_cast<size_t>(word.data() + word.size() - end));
  const auto known =
      std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.text == unit; });
  if (fault != std::errc() || known == kUnits.end())
    return base::invalid("{} is not a figure such as 90GB/s, 16TFLOPS or 16GB", base::quoted(text));
  value *= known->scale;
  if (!std::isfinite(value) || value <= 0)
    return base::invalid("{} is not above 0", base::quoted(text));
  Figure& figure = machine.*(known->figure);
  if (figure.known()) return base::invalid("{}: its kind is given twice", base::quoted(text));
  figure = {value, Source::kGiven};
  return {};
}

Result<GivenMachine> written_machine(std::string_view text) {
  GivenMachine given{{}, "as written on the command line"};
  given.machine.name = std::string(text);
  for (size_t from = 0; from <= text.size();) {
    const size_t comma = std::min(text.find(',', from), text.size());
    HANDMILL_OK(read_figure(text.substr(from, comma - from), given.machine));
    from = comma + 1;
  }
  if (!given.machine.read_bytes_s.known())
    return base::invalid("{} gives no memory bandwidth, such as 90GB/s", base::quoted(text));
  if (!given.machine.ops_s.known())
    return base::invalid("{} gives no arithmetic, such as 16TFLOPS", base::quoted(text));
  return given;
}

}  // namespace

std::span<const NamedMachine> named_machines() { return kNamed; }

Result<GivenMachine> given_machine(std::string_view text) {
  for (const NamedMachine& named : kNamed) {
    if (lower(named.name) != lower(text)) continue;
    GivenMachine given{{}, std::string(named.note)};
    given.machine.name = std::string(named.name);
    given.machine.read_bytes_s = {named.read_bytes_s, Source::kGiven};
    given.machine.ops_s = {named.ops_s, Source::kGiven};
    if (named.memory_bytes > 0) given.machine.memory_bytes = {named.memory_bytes, Source::kGiven};
    return given;
  }
  const bool figures = !text.empty() && (std::isdigit(static_cast<unsigned char>(text[0])) != 0) &&
                       (lower(text).find("b/s") != std::string::npos ||
                        lower(text).find("flops") != std::string::npos);
  if (figures) return written_machine(text);
  std::vector<std::string_view> names;
  for (const NamedMachine& named : kNamed) names.push_back(named.name);
  return base::not_found(
      "{} is no machine that handmill knows: {}, or figures: "
      "90GB/s,16TFLOPS,16GB",
      base::quoted(text), fmt::join(names, ", "));
}

double unfused_attention_intensity(double n, double e) {
  return (4 * n * n * e + 3 * n * n) / (8 * n * n + 8 * n * e);
}

}  // namespace handmill::measure
