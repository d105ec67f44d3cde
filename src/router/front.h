// The part of a model that needs no weights: its file, its tokenizer and its template. Prompts are
// made with it on any thread, whether the model is loaded or not. Immutable.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "chat/chat.h"
#include "gguf/file.h"
#include "text/tokenizer.h"

namespace handmill::router {

struct Front {
  std::shared_ptr<const gguf::File> file;
  std::shared_ptr<const text::Tokenizer> tokenizer;
  std::shared_ptr<const chat::Template> chat_template;
  std::string
      template_fault;     // where the file has a template that cannot be used; then no template
  int vocab = 0;          // tokens that can be computed
  int sampled_vocab = 0;  // and that have a text

  static Result<std::shared_ptr<const Front>> open(const std::string& path);
};

}  // namespace handmill::router
