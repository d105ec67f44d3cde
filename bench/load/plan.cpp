#include "load/plan.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace handmill::load {
namespace {

constexpr int kLengthMax = 1 << 20;

// One token each, with the space before it, in the vocabularies of SmolLM2, Qwen and Llama.
constexpr auto kWords = std::to_array<std::string_view>(
    {"the",   "old",   "man",    "who",   "lived", "near",  "river", "told",   "his",   "son",
     "that",  "there", "was",    "one",   "more",  "house", "to",    "build",  "in",    "town",
     "and",   "it",    "would",  "be",    "a",     "good",  "day",   "water",  "light", "school",
     "world", "each",  "year",   "made",  "from",  "with",  "other", "people", "long",  "time",
     "small", "state", "number", "point", "under", "plan",  "city",  "music",  "story", "power",
     "open",  "field", "white",  "black", "green", "high",  "hand",  "part",   "place", "group",
     "north", "south", "east",   "west",  "first", "last",  "land",  "food",   "book",  "work"});

// Streams of random numbers that do not touch one another.
enum Stream : uint64_t { kArrivals = 1, kRequest, kPrompt, kPrefix };

Random stream(uint64_t seed, Stream which, int number = 0) {
  Random mixed(seed * 8 + which);
  return Random(mixed.next() + static_cast<uint64_t>(number) * 0x9E3779B97F4A7C15u);
}

int draw(const Length& length, Random& random) {
  if (length.kind == Length::Kind::kUniform) return random.between(length.low, length.high);
  const double drawn = std::min(random.exponential(length.high), 8.0 * length.high);
  return std::max(1, static_cast<int>(std::lround(drawn)));
}

void append_words(std::string& out, int count, Random& random) {
  for (int i = 0; i < count; ++i) {
    if (!out.empty()) out += ' ';
    out += kWords[static_cast<size_t>(random.between(0, static_cast<int>(kWords.size()) - 1))];
  }
}

Result<int> number(std::string_view words) {
  int value = 0;
  const auto [end, error] = std::from_chars(words.data(), words.data() + words.size(), value);
  if (error != std::errc{} || end != words.data() + words.size() || value < 1 || value > kLengthMax)
    return Error{Code::kInvalid,
                 fmt::format("'{}' is not a whole number between 1 and {}", words, kLengthMax)};
  return value;
}

}  // namespace

Result<Length> read_length(std::string_view words) {
  if (words.starts_with("exp:")) {
    HANDMILL_TRY(const int mean, number(words.substr(4)));
    return Length{Length::Kind::kExponential, mean, mean};
  }
  const size_t dash = words.find('-');
  HANDMILL_TRY(const int low, number(words.substr(0, dash)));
  if (dash == std::string_view::npos) return Length{Length::Kind::kUniform, low, low};
  HANDMILL_TRY(const int high, number(words.substr(dash + 1)));
  if (high < low) return Error{Code::kInvalid, fmt::format("'{}' ends before it begins", words)};
  return Length{Length::Kind::kUniform, low, high};
}

uint64_t Random::next() {
  uint64_t mixed = state_ += 0x9E3779B97F4A7C15u;
  mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9u;
  mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
  return mixed ^ mixed >> 31;
}

double Random::unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

int Random::between(int low, int high) {
  return low + static_cast<int>(unit() * (static_cast<double>(high) - low + 1));
}

double Random::exponential(double mean) { return -mean * std::log1p(-unit()); }

Plan::Plan(const Settings& settings) : settings_(settings) {
  Random random = stream(settings.seed, kArrivals);
  double at = 0;
  for (int i = 0; i < settings.requests; ++i) {
    if (settings.rate > 0) {
      if (settings.duration_s > 0 && at > settings.duration_s) break;
      arrivals_.push_back(at);
      at += random.exponential(1 / settings.rate);
    } else {
      arrivals_.push_back(0);
    }
  }
}

std::string_view Plan::path() const {
  return settings_.chat ? "/v1/chat/completions" : "/v1/completions";
}

Asked Plan::request(int number) const {
  const Settings& s = settings_;
  Random random = stream(s.seed, kRequest, number), own = stream(s.seed, kPrompt, number),
         shared = stream(s.prefix_seed, kPrefix);
  Asked asked;
  const int prompt = std::max(draw(s.prompt, random), s.prefix + 1);
  asked.output_tokens = draw(s.output, random);
  if (random.unit() < s.leave) {
    asked.leave.emplace().reset = random.unit() < 0.5;
    if (random.unit() < 0.5)
      asked.leave->after_s = random.unit() * s.leave_within_s;
    else
      asked.leave->pieces = random.between(1, std::max(1, asked.output_tokens - 1));
  }
  boost::json::object body{{"max_tokens", asked.output_tokens},
                           {"ignore_eos", true},
                           {"temperature", s.temperature},
                           {"stream", true},
                           {"stream_options", {{"include_usage", true}}}};
  if (!s.model.empty()) body["model"] = s.model;
  if (s.ids) {
    boost::json::array ids;
    for (int i = 0; i < prompt; ++i)
      ids.push_back((i < s.prefix ? shared : own).between(s.ids_low, s.ids_high - 1));
    body["prompt"] = std::move(ids);
  } else {
    std::string text;
    append_words(text, s.prefix, shared);
    append_words(text, prompt - s.prefix, own);
    if (s.chat)
      body["messages"] = boost::json::array{{{"role", "user"}, {"content", text}}};
    else
      body["prompt"] = text;
  }
  asked.body = boost::json::serialize(body);
  return asked;
}

}  // namespace handmill::load
