#include "cli/chat_commands.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "base/error.h"
#include "base/quote.h"
#include "cli/chat_file.h"
#include "cli/show_facts.h"
#include "cli/suggest.h"
#include "cli/terminal.h"
#include "cli/wrap.h"

namespace handmill::cli {
namespace {

using Words = std::vector<std::string>;

struct ChatCommand {
  std::string_view name;
  std::string_view arguments;
  std::string_view help;
  Status (*run)(Chat& chat, const Words& words);
};

Status set_system(Chat& chat, const Words& words) {
  std::string text;
  for (size_t i = 2; i < words.size(); ++i) text += (i > 2 ? " " : "") + words[i];
  if (text.empty()) {
    chat.state().system.reset();
    fmt::print("No system prompt: the model's template does as it likes.\n");
  } else {
    chat.state().system = text;
    fmt::print("The system prompt is set.\n");
  }
  return {};
}

Status set(Chat& chat, const Words& all) {
  Words words = all;
  if (words.size() > 1 && words[1] == "parameter") words.erase(words.begin() + 1);
  if (words.size() < 2) {
    fmt::print("/set NAME VALUE; the names: {}, system, verbose, quiet\n",
               fmt::join(parameter_names(), ", "));
    return {};
  }
  const std::string& name = words[1];
  Reporting& reporting = chat.state().reporting;
  if (name == "system") return set_system(chat, words);
  if (name == "verbose" || name == "quiet") {
    const std::string value = words.size() < 3 ? "on" : words[2];
    if (words.size() > 3 || (value != "on" && value != "off"))
      return base::invalid("/set {} takes on or off", name);
    const bool on = value == "on";
    reporting = {.verbose = name == "verbose" && on, .quiet = name == "quiet" && on};
    return {};
  }
  if (name == "num_ctx" || name == "context")
    return base::unsupported("the context is made at the start: handmill run --context N");
  Parameters changed = chat.state().parameters;
  const Words values(words.begin() + 2, words.end());
  HANDMILL_OK(set_parameter(changed, name, values));
  HANDMILL_OK(sample::validate(changed.sampling, chat.session().tokenizer().vocab_size()));
  chat.state().parameters = std::move(changed);
  const Parameter* parameter = find_parameter(name);
  fmt::print("{} is {}\n", parameter->name, parameter->get(chat.state().parameters));
  return {};
}

void show_parameters(Chat& chat) {
  const Parameters defaults;
  for (const Parameter& parameter : parameters()) {
    const std::string now = parameter.get(chat.state().parameters);
    fmt::print("  {:<20}{}{}\n", parameter.name, terminal::printable(now),
               now == parameter.get(defaults) ? "" : "   (changed)");
  }
}

void show_system(Chat& chat) {
  const auto& system = chat.state().system;
  fmt::print("{}\n", system ? terminal::printable(*system)
                            : "(none is set: the model's template does as it likes)");
}

void show_messages(Chat& chat) {
  for (const chat::Message& message : chat.state().messages)
    fmt::print("[{}] {}\n", message.role, terminal::printable(message.content));
}

Status show_overview(Chat& chat) {
  const Session& session = chat.session();
  HANDMILL_TRY(const size_t used, chat.tokens_used());
  fmt::print("  model     {} ({})\n", session.name, session.engine->description());
  fmt::print("  context   {} of {} tokens used\n", used, session.engine->context());
  fmt::print("  turns     {}\n", chat.state().messages.size() / 2);
  fmt::print("  system    {}\n",
             chat.state().system ? base::quoted(*chat.state().system) : "(none)");
  fmt::print("Parameters:\n");
  show_parameters(chat);
  fmt::print("More: /show info, system, parameters, template, messages\n");
  return {};
}

Status show(Chat& chat, const Words& words) {
  const std::string what = words.size() > 1 ? words[1] : "";
  if (what.empty()) return show_overview(chat);
  if (what == "parameters") {
    show_parameters(chat);
  } else if (what == "system") {
    show_system(chat);
  } else if (what == "messages" || what == "history") {
    show_messages(chat);
  } else if (what == "template") {
    auto text = chat.session().file->get_string("tokenizer.chat_template");
    fmt::print("{}\n", text.ok() ? terminal::printable(*text) : "(the model file holds none)");
  } else if (what == "info" || what == "model") {
    HANDMILL_TRY(const ModelFacts facts, model_facts(*chat.session().file));
    fmt::print("{}", terminal::printable(facts_text(facts)));
  } else {
    const Words names = {"info", "system", "parameters", "template", "messages"};
    return base::not_found("/show knows {}{}", fmt::join(names, ", "), did_you_mean(what, names));
  }
  return {};
}

Status clear(Chat& chat, const Words& /*words*/) {
  chat.state().messages.clear();
  fmt::print("The conversation begins anew.\n");
  return {};
}

Status save(Chat& chat, const Words& words) {
  if (words.size() != 2) return base::invalid("/save needs the name of one file");
  HANDMILL_OK(save_chat(words[1], chat.session().name, chat.state()));
  fmt::print("Saved {} messages to {}\n", chat.state().messages.size(),
             terminal::printable(words[1]));
  return {};
}

Status load(Chat& chat, const Words& words) {
  if (words.size() != 2) return base::invalid("/load needs the name of one file");
  HANDMILL_TRY(ChatState loaded, load_chat(words[1]));
  HANDMILL_OK(
      sample::validate(loaded.parameters.sampling, chat.session().tokenizer().vocab_size()));
  loaded.reporting = chat.state().reporting;
  chat.state() = std::move(loaded);
  fmt::print("Loaded {} messages from {}\n", chat.state().messages.size(),
             terminal::printable(words[1]));
  return {};
}

Status bye(Chat& chat, const Words& /*words*/) {
  chat.leave();
  return {};
}

Status help(Chat& chat, const Words& words);

constexpr std::array kCommands = {
    ChatCommand{"/set", "NAME VALUE", "Set a parameter, the system prompt, verbose or quiet", set},
    ChatCommand{"/show", "[WHAT]", "Tell about model, context, parameters, system, template", show},
    ChatCommand{"/clear", "", "Forget the conversation, keep the settings", clear},
    ChatCommand{"/save", "FILE", "Write conversation and settings to a file", save},
    ChatCommand{"/load", "FILE", "Go on with a saved conversation", load},
    ChatCommand{"/bye", "", "Leave (also /exit, Ctrl-D)", bye},
    ChatCommand{"/?", "", "This help (also /help)", help},
};

Status help(Chat& /*chat*/, const Words& /*words*/) {
  for (const ChatCommand& command : kCommands)
    fmt::print("{}", wrap_entry(fmt::format("{} {}", command.name, command.arguments), command.help,
                                22, kHelpWidth));
  fmt::print(
      "\n{}{}{}{}",
      wrap_entry("\"\"\"", "Begins and ends a text of several lines; Alt-Enter adds a line", 22,
                 kHelpWidth),
      wrap_entry("Ctrl-C", "Stops the answer", 22, kHelpWidth),
      wrap_entry("Up, Down, Ctrl-R", "Earlier entries, and a search in them", 22, kHelpWidth),
      wrap_entry("Tab", "Completes commands and names", 22, kHelpWidth));
  return {};
}

std::string_view full_name(std::string_view name) {
  if (name == "/exit" || name == "/quit") return "/bye";
  return name == "/help" ? "/?" : name;
}

}  // namespace

bool is_command(std::string_view entry) {
  if (!entry.starts_with('/') || entry.find('\n') != std::string_view::npos) return false;
  const std::string_view name = entry.substr(1, entry.find(' ') - 1);
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return c == '?' || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

Status run_command(Chat& chat, std::string_view entry) {
  HANDMILL_TRY(const Words words, split_words(entry));
  const std::string_view name = full_name(words[0]);
  for (const ChatCommand& command : kCommands)
    if (command.name == name) return command.run(chat, words);
  Words names;
  for (const ChatCommand& command : kCommands) names.emplace_back(command.name);
  return base::not_found("there is no command {}{}; /? lists them", words[0],
                         did_you_mean(words[0], names));
}

std::vector<std::string> chat_completions() {
  std::vector<std::string> all;
  for (const ChatCommand& command : kCommands) all.emplace_back(command.name);
  for (const std::string& name : parameter_names()) all.push_back("/set " + name);
  for (const char* name : {"system", "verbose", "quiet"})
    all.push_back(std::string("/set ") + name);
  for (const char* what : {"info", "system", "parameters", "template", "messages"})
    all.push_back(std::string("/show ") + what);
  return all;
}

Result<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool open = false;  // a word has begun
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == '"' && c == '\\' && i + 1 < line.size()) {
      const char next = line[++i];
      word += next == 'n' ? '\n' : next == 't' ? '\t' : next;
    } else if (quote != 0) {
      if (c == quote)
        quote = 0;
      else
        word += c;
    } else if ((c == '"' || c == '\'') && !open) {
      quote = c;  // only where a word begins: "don't" holds none
      open = true;
    } else if (c == ' ' || c == '\t') {
      if (open) words.push_back(std::move(word));
      word.clear();
      open = false;
    } else {
      word += c;
      open = true;
    }
  }
  if (quote != 0) return base::invalid("a quote ({}) is not closed", quote);
  if (open) words.push_back(std::move(word));
  return words;
}

}  // namespace handmill::cli
