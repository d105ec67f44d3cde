// A model's chat template: parsed once, rendered over a conversation with the variables that
// Hugging Face's apply_chat_template gives it.
#include <algorithm>

#include "base/error.h"
#include "chat/chat.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/json.h"
#include "chat/jinja/parser.h"
#include "chat/jinja/utf8.h"

namespace handmill::chat {
namespace {

using jinja::Value;

class JinjaTemplate : public Template {
 public:
  JinjaTemplate(jinja::Block block, std::string bos, std::string eos)
      : block_(std::move(block)), bos_(std::move(bos)), eos_(std::move(eos)) {}

  Result<std::vector<text::Segment>> render(const std::vector<Message>& messages,
                                            const RenderOptions& options) const override {
    jinja::Dict globals;
    HANDMILL_OK(set_variables(messages, options, globals));
    jinja::Interpreter interpreter(globals);
    HANDMILL_TRY(jinja::Marked out, interpreter.render(block_));
    std::vector<text::Segment> segments;
    size_t begin = 0;
    for (const jinja::Marked::Run& run : out.runs()) {
      segments.push_back({std::string(out.view().substr(begin, run.end - begin)), !run.user});
      begin = run.end;
    }
    return segments;
  }

 private:
  Status set_variables(const std::vector<Message>& messages, const RenderOptions& options,
                       jinja::Dict& globals) const {
    globals.set_text("documents", Value());
    for (const auto& [name, value] : options.extra) {
      for (const char* own :
           {"messages", "tools", "add_generation_prompt", "bos_token", "eos_token"}) {
        if (name == own) {
          return base::invalid("the template variable '{}' cannot be set by a request", own);
        }
      }
      HANDMILL_TRY(Value converted, jinja::from_json(value));
      globals.set_text(jinja::valid_utf8(std::string_view(name)), std::move(converted));
    }
    std::vector<Value> list;
    for (const Message& message : messages) {
      boost::json::object object = {{"role", message.role}, {"content", message.content}};
      for (const auto& [key, value] : message.extra) object[key] = value;
      HANDMILL_TRY(Value converted, jinja::from_json(object));
      list.push_back(std::move(converted));
    }
    HANDMILL_TRY(Value converted, jinja::make_sequence(std::move(list)));
    globals.set_text("messages", std::move(converted));
    Value tools;
    if (!options.tools.empty()) {
      HANDMILL_TRY(tools, jinja::from_json(options.tools));
    }
    globals.set_text("tools", std::move(tools));
    globals.set_text("add_generation_prompt", options.add_generation_prompt);
    globals.set_text("bos_token", Value::text(bos_));
    globals.set_text("eos_token", Value::text(eos_));
    return {};
  }

  jinja::Block block_;
  std::string bos_, eos_;
};

}  // namespace

Result<std::shared_ptr<const Template>> Template::parse(std::string_view source, std::string bos,
                                                        std::string eos) {
  HANDMILL_TRY(jinja::Block block, jinja::parse(source));
  return std::shared_ptr<const Template>(std::make_shared<JinjaTemplate>(
      std::move(block), jinja::valid_utf8(bos), jinja::valid_utf8(eos)));
}

}  // namespace handmill::chat
