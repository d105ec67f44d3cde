#include "router/front.h"

#include <algorithm>

#include "model/model.h"

namespace handmill::router {

Result<std::shared_ptr<const Front>> Front::open(const std::string& path) {
  auto front = std::make_shared<Front>();
  HANDMILL_TRY(gguf::File file, gguf::File::open(path));
  front->file = std::make_shared<const gguf::File>(std::move(file));
  HANDMILL_TRY(const model::Config config, model::read_config(*front->file));
  HANDMILL_TRY(front->tokenizer, text::Tokenizer::load(*front->file));
  front->vocab = config.vocab;
  front->sampled_vocab = std::min(config.vocab, front->tokenizer->vocab_size());
  // A model whose template is broken still completes plain text.
  auto loaded = chat::Template::load(*front->file, *front->tokenizer);
  if (loaded.ok())
    front->chat_template = *loaded;
  else
    front->template_fault = loaded.error().message;
  return std::shared_ptr<const Front>(std::move(front));
}

}  // namespace handmill::router
