// The arguments of one command: what it declares, its help page, and the parsing. The only door to
// CLI11, which is slow to compile and stays inside args.cpp. Every mistake is one line that names
// the argument and, where something is near, what was probably meant.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace handmill::cli {

class Args {
 public:
  /// Gets the values of one argument, in the order given (at least one).
  using Setter = std::function<Status(const std::vector<std::string>&)>;

  explicit Args(std::string command);
  ~Args();

  /// Options declared after this are listed under `title` in the help page.
  void group(std::string title);
  /// Whole paragraphs below the options in the help page; lines are kept as they are.
  void note(std::string text);

  // `names` is "-t,--threads"; `meta` stands for the value in the help page. What is bound must
  // live until parse() has returned. Given twice, the last one counts, except where all are kept.
  void flag(const std::string& names, bool& value, std::string help);
  void option(const std::string& names, std::string meta, int& value, std::string help);
  void option(const std::string& names, std::string meta, std::optional<int>& value,
              std::string help);
  void option(const std::string& names, std::string meta, std::string& value, std::string help);
  void option(const std::string& names, std::string meta, std::optional<std::string>& value,
              std::string help);
  /// One or more whole numbers, with commas between them.
  void option(const std::string& names, std::string meta, std::vector<int>& values,
              std::string help);
  void option(const std::string& names, std::string meta, Setter set, std::string help);
  /// A value out of `choices`.
  void choice(const std::string& names, std::vector<std::string> choices, std::string& value,
              std::string help);

  // `usage` is how the usage line shows it: "[MODEL]".
  void positional(const std::string& usage, std::string& value, std::string help);
  /// All the words that are left.
  void positional(const std::string& usage, std::vector<std::string>& values, std::string help);

  /// What parse() asks when it has set everything: whether a value is in its range, whether values
  /// go together. Its error is a mistake in the arguments like any other.
  void check(std::function<Status()> holds);

  enum class Outcome { kRun, kHelp };
  Result<Outcome> parse(const std::vector<std::string>& words);

  /// The complete page: usage, arguments, options by group, notes.
  std::string help(std::string_view summary) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The parts between commas; of no text one empty part.
std::vector<std::string> split_commas(std::string_view text);
/// A whole number inside [low, high]; the error says what is wrong with `text`.
Result<int64_t> parse_integer(std::string_view text, int64_t low, int64_t high);
/// A finite number.
Result<double> parse_number(std::string_view text);
/// "8G", "16GB", "512M": 10^9, not 2^30, as everywhere; above 0.
Result<uint64_t> parse_bytes(std::string_view text);

}  // namespace handmill::cli
