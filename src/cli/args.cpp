#include "cli/args.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <climits>
#include <cmath>
#include <fmt/format.h>

#include "base/error.h"
#include "base/quote.h"
#include "cli/suggest.h"
#include "cli/wrap.h"

namespace handmill::cli {

struct Args::State {
  struct Entry {
    std::string group;
    std::string left;  // "-t, --threads N"
    std::string help;
  };
  std::string command;
  CLI::App app;
  std::string group = "Options";
  std::vector<Entry> options;
  std::vector<Entry> positionals;
  std::vector<std::string> notes;
  std::vector<std::function<Status()>> checks;
  std::string usage;               // of the positionals: "[MODEL] [PROMPT]"
  std::vector<std::string> flags;  // every name, for suggestions
  bool wants_help = false;
  std::string* word = nullptr;                // of a positional, where there is one
  std::vector<std::string>* words = nullptr;  // of the positional that takes all of them

  CLI::Option* add(const std::string& names, std::string meta, std::string help, Setter set);
};

namespace {

Args::Setter last_value(std::function<Status(const std::string&)> set) {
  return
      [set = std::move(set)](const std::vector<std::string>& values) { return set(values.back()); };
}

// CLI11 takes "[a, b]" for a list of two, and a prompt would lose its brackets: it gets to see them
// behind a byte that no argument of a program can hold.
constexpr char kShield = '\0';
void shield(std::string& word) {
  if (word.starts_with('[')) word.insert(word.begin(), kShield);
}
void unshield(std::string& word) {
  if (word.starts_with(kShield)) word.erase(word.begin());
}

}  // namespace

std::vector<std::string> split_commas(std::string_view text) {
  std::vector<std::string> parts;
  size_t from = 0;
  while (true) {
    const size_t comma = std::min(text.find(',', from), text.size());
    parts.emplace_back(text.substr(from, comma - from));
    if (comma == text.size()) return parts;
    from = comma + 1;
  }
}

Result<int64_t> parse_integer(std::string_view text, int64_t low, int64_t high) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || end != text.data() + text.size() || error == std::errc::invalid_argument)
    return base::invalid("\"{}\" is not a whole number", text);
  if (error != std::errc{} || value < low || value > high)
    return base::invalid("{} is not between {} and {}", text, low, high);
  return value;
}

Result<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || end != text.data() + text.size() || error != std::errc{} ||
      !std::isfinite(value))
    return base::invalid("\"{}\" is not a number", text);
  return value;
}

CLI::Option* Args::State::add(const std::string& names, std::string meta, std::string help,
                              Setter set) {
  std::string left;
  for (const std::string& name : split_commas(names)) {
    left += (left.empty() ? "" : ", ") + name;
    flags.push_back(name);
  }
  if (left.starts_with("--")) left = "    " + left;
  options.push_back({group, meta.empty() ? left : left + " " + meta, std::move(help)});
  // The error must say which argument it is about; its longest name says it best.
  const std::string shown = split_commas(names).back();
  CLI::callback_t callback = [set = std::move(set), shown](CLI::results_t values) {
    for (std::string& value : values) unshield(value);
    Status status = set(values);
    if (!status.ok()) throw CLI::ConversionError(shown + ": " + status.error().message);
    return true;
  };
  return app.add_option(names, callback)
      ->type_size(1)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

Args::Args(std::string command) : state_(std::make_unique<State>()) {
  state_->command = std::move(command);
  state_->app.set_help_flag();
  state_->app.add_flag("-h,--help", state_->wants_help);
  state_->flags = {"-h", "--help"};
}

Args::~Args() = default;

void Args::group(std::string title) { state_->group = std::move(title); }
void Args::note(std::string text) { state_->notes.push_back(std::move(text)); }
void Args::check(std::function<Status()> holds) { state_->checks.push_back(std::move(holds)); }

void Args::flag(const std::string& names, bool& value, std::string help) {
  std::string left;
  for (const std::string& name : split_commas(names)) {
    left += (left.empty() ? "" : ", ") + name;
    state_->flags.push_back(name);
  }
  if (left.starts_with("--")) left = "    " + left;
  state_->options.push_back({state_->group, left, std::move(help)});
  state_->app.add_flag(names, value);
}

void Args::option(const std::string& names, std::string meta, Setter set, std::string help) {
  state_->add(names, std::move(meta), std::move(help), std::move(set));
}

void Args::option(const std::string& names, std::string meta, int& value, std::string help) {
  option(names, std::move(meta), last_value([&value](const std::string& text) -> Status {
           HANDMILL_TRY(const int64_t number, parse_integer(text, INT_MIN, INT_MAX));
           value = static_cast<int>(number);
           return {};
         }),
         std::move(help));
}

void Args::option(const std::string& names, std::string meta, std::optional<int>& value,
                  std::string help) {
  option(names, std::move(meta), last_value([&value](const std::string& text) -> Status {
           HANDMILL_TRY(const int64_t number, parse_integer(text, INT_MIN, INT_MAX));
           value = static_cast<int>(number);
           return {};
         }),
         std::move(help));
}

void Args::option(const std::string& names, std::string meta, std::string& value,
                  std::string help) {
  option(names, std::move(meta), last_value([&value](const std::string& text) -> Status {
           value = text;
           return {};
         }),
         std::move(help));
}

void Args::option(const std::string& names, std::string meta, std::optional<std::string>& value,
                  std::string help) {
  option(names, std::move(meta), last_value([&value](const std::string& text) -> Status {
           value = text;
           return {};
         }),
         std::move(help));
}

void Args::option(const std::string& names, std::string meta, std::vector<int>& values,
                  std::string help) {
  option(names, std::move(meta), last_value([&values](const std::string& text) -> Status {
           std::vector<int> numbers;
           for (const std::string& part : split_commas(text)) {
             HANDMILL_TRY(const int64_t number, parse_integer(part, 0, INT_MAX));
             numbers.push_back(static_cast<int>(number));
           }
           values = std::move(numbers);
           return {};
         }),
         std::move(help));
}

void Args::choice(const std::string& names, std::vector<std::string> choices, std::string& value,
                  std::string help) {
  std::string meta = fmt::format("{}", fmt::join(choices, "|"));
  option(names, meta,
         last_value([&value, choices = std::move(choices)](const std::string& text) -> Status {
           if (std::find(choices.begin(), choices.end(), text) == choices.end())
             return base::invalid("\"{}\" is none of {}{}", text, fmt::join(choices, ", "),
                                  did_you_mean(text, choices));
           value = text;
           return {};
         }),
         std::move(help));
}

void Args::positional(const std::string& usage, std::string& value, std::string help) {
  state_->usage += " " + usage;
  state_->positionals.push_back({"", usage, std::move(help)});
  state_->word = &value;
  state_->app.add_option("word", value);
}

void Args::positional(const std::string& usage, std::vector<std::string>& values,
                      std::string help) {
  state_->usage += " " + usage;
  state_->positionals.push_back({"", usage, std::move(help)});
  state_->words = &values;
  state_->app.add_option("words", values);
}

Result<Args::Outcome> Args::parse(const std::vector<std::string>& words) {
  // Help is given even where the rest is wrong.
  for (const std::string& word : words) {
    if (word == "--") break;
    if (word == "--help" || word == "-h") return Outcome::kHelp;
  }
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    for (std::string& word : reversed) shield(word);
    state_->app.parse(reversed);
    if (state_->word != nullptr) unshield(*state_->word);
    if (state_->words != nullptr)
      for (std::string& word : *state_->words) unshield(word);
  } catch (const CLI::ExtrasError&) {
    for (std::string word : state_->app.remaining()) {
      if (word.empty() || word[0] != '-') continue;
      word = word.substr(0, word.find('='));
      return base::invalid("unknown option {}{}; see handmill {} --help", word,
                           did_you_mean(word, state_->flags), state_->command);
    }
    return base::invalid("too many arguments; see handmill {} --help", state_->command);
  } catch (const CLI::ArgumentMismatch& error) {
    return base::invalid("{}; see handmill {} --help", error.what(), state_->command);
  } catch (const CLI::ParseError& error) {
    return base::invalid("{}", error.what());
  }
  for (const auto& holds : state_->checks) HANDMILL_OK(holds());
  return Outcome::kRun;
}

Result<uint64_t> parse_bytes(std::string_view text) {
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  std::string unit(end, text.data() + text.size());
  for (char& c : unit) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (unit.ends_with('B')) unit.pop_back();
  const double scale = unit == "M" ? 1e6 : unit == "G" ? 1e9 : unit == "T" ? 1e12 : 0;
  if (fault != std::errc() || scale == 0 || !std::isfinite(value) || value <= 0 || value > 1e6)
    return base::invalid("{} is not an amount of memory such as 8G", base::quoted(text));
  return static_cast<uint64_t>(value * scale);
}

std::string Args::help(std::string_view summary) const {
  std::string out = fmt::format("{}\n\nUsage: handmill {}{} [options]\n",
                                wrap(summary, 0, kHelpWidth), state_->command, state_->usage);
  const auto list = [&](const State::Entry& entry) {
    out += wrap_entry(entry.left, entry.help, kHelpColumn, kHelpWidth);
  };
  if (!state_->positionals.empty()) {
    out += "\nArguments:\n";
    for (const auto& entry : state_->positionals) list(entry);
  }
  std::string group;
  for (const auto& entry : state_->options) {
    if (entry.group != group) out += fmt::format("\n{}:\n", group = entry.group);
    list(entry);
  }
  if (state_->options.empty() || group != "Options") out += "\nOther:\n";
  list({"", "-h, --help", "Print this page"});
  for (const std::string& note : state_->notes) out += "\n" + note + "\n";
  return out;
}

}  // namespace handmill::cli
