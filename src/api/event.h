// What comes back, in no dialect: pieces of answers in the order in which they were made, and at
// the end what they cost. The local engine and online services give the same ones.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace handmill::api {

struct Likely {
  text::Token token = text::kNoToken;
  std::string bytes;  // what the token stands for; not always whole characters
  float logprob = 0;  // natural logarithm, of the model's own distribution before any sampler
};
struct TokenLogprob {
  Likely chosen;
  std::vector<Likely> top;  // likeliest first
};

/// A piece of one choice. Text is whole characters that certainly belong to the answer. A piece may
/// be empty of text and still carry the logprobs of tokens whose text is held back.
struct Delta {
  int choice = 0;
  std::string content;
  std::string reasoning;
  std::vector<TokenLogprob> logprobs;
};

enum class Finish { kStop, kLength, kContext, kCancelled, kError };

struct Usage {
  int prompt_tokens = 0;  // of every prompt once, however many choices it has
  int cached_tokens = 0;  // of these, found in the prefix cache
  int completion_tokens = 0;
  int reasoning_tokens = 0;  // of these, thought
};

/// Where the time of a phase went, in parts of it that add up to 1 (more where the roof is passed).
struct RoofShares {
  std::string_view limit;  // the roof that it would meet: "memory" or "arithmetic"
  double of_roof = 0;      // what its work would take at that roof
  double kernels = 0, attention = 0, layers = 0, other = 0;  // what took the rest
};
/// Of phases that can be told: measured machine, alone, long enough, and nothing else running.
struct Roofs {
  std::optional<RoofShares> prefill, decode;
};

/// Seconds, of the slowest choice where there are several.
struct Timings {
  double queue_s = 0;    // accepted → first scheduled
  double load_s = 0;     // waited for the model to be loaded
  double ttft_s = 0;     // accepted → first token
  double prefill_s = 0;  // first scheduled → first token
  double decode_s = 0;   // first token → last token
  double total_s = 0;    // accepted → end
  Roofs roofs = {};      // of one that ran alone
};

/// The end of one choice.
struct ChoiceEnd {
  int choice = 0;
  Finish finish = Finish::kStop;
  std::string stop;                           // the stop string that matched
  std::vector<TokenLogprob> prompt_logprobs;  // where asked; the first token's is NaN
};

/// Once, after every choice has ended.
struct End {
  Usage usage;
  Timings timings;
};

/// Why there is no answer, or no more of it. `param` names the field of the request that is wrong.
struct Fault {
  enum class Kind {
    kInvalid,       // 400
    kContext,       // 400: the prompt does not fit; the message has both numbers
    kUnsupported,   // 400: well-formed, but not (yet) to be had here
    kUnauthorized,  // 401
    kForbidden,     // 403
    kNotFound,      // 404
    kMethod,        // 405
    kTooLarge,      // 413
    kBusy,          // 503 with Retry-After: the queue is full
    kUnavailable,   // 503: the model cannot be loaded now, or the server drains
    kInternal,      // 500: our own mistake
  };
  Kind kind = Kind::kInvalid;
  std::string message;
  std::string param = {};
};
int http_status(Fault::Kind kind);

}  // namespace handmill::api
