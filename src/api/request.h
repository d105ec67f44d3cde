// What a client asks, in no dialect: every endpoint's body becomes one of these, and the engine and
// online services answer them alike. A value is what the client said or the dialect's default;
// whatever a client can size was bounded when it was read (limits.h).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "chat/chat.h"
#include "sample/sampler.h"
#include "text/tokenizer.h"

namespace handmill::api {

/// Messages that the model's chat template turns into a prompt.
struct Conversation {
  std::vector<chat::Message> messages;
  chat::RenderOptions render;
};
/// Text as it is; with `special`, control tokens written in it count.
struct PlainText {
  std::string text;
  bool special = false;
};
using Prompt = std::variant<Conversation, PlainText, std::vector<text::Token>>;

/// How long a model stays loaded after its last request: none: as the server is set; negative: for
/// ever; 0: unload at once.
using KeepAlive = std::optional<std::chrono::milliseconds>;

struct Completion {
  std::string model;  // as the client wrote it; empty: the server's default
  std::vector<Prompt> prompts;
  int choices = 1;  // answers to each prompt; answer i of prompt p is choice p · choices + i
  sample::Settings sampling;
  int max_tokens = -1;  // −1: until the context is full
  std::vector<std::string> stop;
  int logprobs = -1;  // likeliest tokens to tell beside each token's own; −1: none at all
  bool prompt_logprobs = false;  // of the prompt's tokens too
  bool echo = false;             // the prompt's text comes first
  bool ignore_end = false;
  int context = 0;            // most tokens of prompt and answer together; 0: as the model has
  std::optional<bool> think;  // whether a model that can think does; none: as its template has it
  bool truncate = false;  // drop the oldest messages where they do not fit, keeping the system's
  int priority = 0;       // lower goes first
  KeepAlive keep_alive;
};

struct Embedding {
  std::string model;
  std::vector<std::variant<std::string, std::vector<text::Token>>> inputs;
  bool truncate = false;  // cut an input that does not fit; otherwise it is an error
  int dimensions = 0;     // leading ones to keep, normed again; 0: all
  KeepAlive keep_alive;
};

}  // namespace handmill::api
