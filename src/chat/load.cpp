// The template that a model file carries, or ChatML where it carries none.
#include <mutex>
#include <spdlog/spdlog.h>

#include "base/error.h"
#include "chat/chat.h"

namespace handmill::chat {
namespace {

constexpr std::string_view kChatMl =
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}";

std::string text_of(const text::Tokenizer& tokenizer, text::Token token) {
  if (token == text::kNoToken) return {};
  return std::string(tokenizer.token_text(token));
}

}  // namespace

Result<std::shared_ptr<const Template>> Template::load(const gguf::File& file,
                                                       const text::Tokenizer& tokenizer) {
  std::string bos = text_of(tokenizer, tokenizer.bos());
  std::string eos = text_of(tokenizer, tokenizer.eos());
  if (!file.has("tokenizer.chat_template")) {
    static std::once_flag said;
    std::call_once(
        said, [&] { spdlog::warn("{}: no tokenizer.chat_template; using ChatML", file.path()); });
    return parse(kChatMl, std::move(bos), std::move(eos));
  }
  HANDMILL_TRY(std::string_view source, file.get_string("tokenizer.chat_template"));
  auto parsed = parse(source, std::move(bos), std::move(eos));
  if (parsed.ok()) return parsed;
  Error error = parsed.error();
  error.message = fmt::format("{}: tokenizer.chat_template: {}", file.path(), error.message);
  return error;
}

}  // namespace handmill::chat
