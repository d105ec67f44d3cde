// What people want a model for, as numbers: which benchmarks speak for it, and how fast is fast
// enough. All of it is policy, in one table that a reader can argue with (docs/ADVICE.md).
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "measure/catalogue.h"

namespace handmill::measure {

/// A metric of the catalogue, and what makes its scale 0 to 100.
struct Evidence {
  std::string_view metric;
  double scale = 1;
};

struct Role {
  std::string_view name;  // "chat-zh"
  std::string_view what;  // for a person
  Mode mode = Mode::kDirect;
  std::array<Evidence, 2> evidence;  // the second may be empty; their mean counts
  std::string_view language;         // that the model must have; empty: any
  int context = 0;                   // tokens that must fit; TG is told at half of them
  int prompt = 0;                    // tokens, new to the cache
  double ttft_max_s = 0;             // for such a prompt
  double tg_min = 0;                 // tokens a second at half the context; 0: none
  int thinking_tokens = 0;           // before an answer, where the catalogue has no better figure
  double minutes_max = 0;            // for an answer with its thinking; 0: none
};
std::span<const Role> roles();
const Role* find_role(std::string_view name);
std::string role_names();  // for messages

}  // namespace handmill::measure
