// What the speculation knows of one sequence, and what it proposes for its next step.
#pragma once

#include <array>
#include <vector>

#include "engine/lookup.h"
#include "engine/pace.h"
#include "kv/cache.h"
#include "text/tokenizer.h"

namespace handmill::engine {

/// Tokens that may be proposed for one step.
inline constexpr int kProposedMax = 15;

/// Where a proposal comes from, by how much it can be trusted.
enum class Source {
  kTwo,  // a place where so many tokens agree: 2, 3, 4 to 7, 8 and more
  kThree,
  kFew,
  kMany,
  kDraft,  // the draft model
};

/// The sequence in the draft model's own cache.
struct DraftState {
  kv::BlockTable table;
  int computed = 0;  // tokens that are in it
  int known = 0;     // tokens that are in its vocabulary
};

struct Guess {
  Lookup lookup;
  // What the field reports of texts that repeat, roughly; the first dozens of tokens correct it.
  std::array<Odds, 5> odds = {Odds(0.3), Odds(0.5), Odds(0.7), Odds(0.85), Odds(0.7)};
  DraftState draft;
  Lookup::Match match;                // for the text as it is
  Source source = Source::kTwo;       // of the proposal
  std::vector<text::Token> proposal;  // of the next step: the tokens after the sequence's last
  int accepted = 0;                   // of the proposal, from its beginning

  Odds& current() { return odds[static_cast<size_t>(source)]; }
};

}  // namespace handmill::engine
