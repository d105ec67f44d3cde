// Times as Ollama's clients write and read them: Go's durations and RFC 3339 with nanoseconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace handmill::api::ollama {

/// "5m", "1h30m", "-1m", "500ms", "1.5h", "0": what Go's time.ParseDuration takes (units ns, us,
/// µs, ms, s, m, h). None: not a duration, or longer than 2^63 ns.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// "2023-08-04T08:52:19.385406455Z"; `ns` since 1970, UTC.
std::string rfc3339(int64_t ns);

}  // namespace handmill::api::ollama
