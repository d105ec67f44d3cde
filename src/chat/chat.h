// A conversation and its way into a prompt: the model's own Jinja template, run by our engine,
// gives pieces of text of which only those that the template itself wrote may hold control tokens.
#pragma once

#include <boost/json.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/file.h"
#include "text/tokenizer.h"

namespace handmill::chat {

struct Message {
  std::string role;  // "system", "user", "assistant", "tool"
  std::string content;
  /// Anything else that the template may read: reasoning_content, tool_calls, name, tool_call_id;
  /// merged over the above.
  boost::json::object extra;
};

struct RenderOptions {
  bool add_generation_prompt = true;
  boost::json::array tools;   // OpenAI form; empty: the template sees none
  boost::json::object extra;  // more variables, such as enable_thinking
};

/// Immutable; any thread.
class Template {
 public:
  /// Parses a template. `bos` and `eos` are the texts that bos_token and eos_token stand for.
  static Result<std::shared_ptr<const Template>> parse(std::string_view source, std::string bos,
                                                       std::string eos);
  /// The file's tokenizer.chat_template; where the file has none, the ChatML template, which is
  /// said in the log.
  static Result<std::shared_ptr<const Template>> load(const gguf::File& file,
                                                      const text::Tokenizer& tokenizer);
  virtual ~Template() = default;

  /// Joined, the pieces are exactly what Jinja2 renders. Errors: what the template raises
  /// (raise_exception), an unknown name or construct with its line, or a limit (steps, depth,
  /// output bytes) by name.
  virtual Result<std::vector<text::Segment>> render(const std::vector<Message>& messages,
                                                    const RenderOptions& options = {}) const = 0;
};

}  // namespace handmill::chat
