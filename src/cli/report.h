// What is told about an answer besides its text: the speed line, the table of --verbose, the notes
// about why it ended, and the JSON object for scripts. Figures come from engine::Timings alone.
#pragma once

#include <boost/json.hpp>
#include <string>

#include "cli/session.h"

namespace handmill::cli {

/// "TTFT 52 ms   PP 712 tok/s   TPOT 14.9 ms   TG 67.1 tok/s   (37 + 42 tokens)"; where the
/// machine was measured, how near it came to its roofs, and what took the rest.
std::string speed_line(const Answer& answer);

/// A line for each figure, the load included.
std::string speed_table(const Answer& answer, double load_s);

/// Why the answer is shorter than the model wanted, or empty.
std::string finish_note(const Answer& answer, int context);

boost::json::object answer_json(const Answer& answer, const Session& session);

}  // namespace handmill::cli
