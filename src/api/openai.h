// OpenAI's endpoints, and the small ones that llama-server and vLLM have beside them: what a body
// asks for, and the bodies that answer. Fields whose neglect would change the answer are refused by
// name; others that handmill does not know are passed over.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/dialect.h"

namespace handmill::api {

/// POST /v1/chat/completions.
Read<Asked> read_openai_chat(const boost::json::object& body);
/// POST /v1/completions; with "echo" and "logprobs" the prompt's logprobs come too, also where
/// max_tokens is 0.
Read<Asked> read_openai_completion(const boost::json::object& body);
/// POST /v1/responses, without anything stored.
Read<Asked> read_openai_response(const boost::json::object& body);

/// POST /v1/embeddings.
struct AskedEmbedding {
  Embedding embedding;
  bool base64 = false;  // little-endian floats in base64, else numbers
  std::vector<std::string> ignored;
};
Read<AskedEmbedding> read_openai_embedding(const boost::json::object& body);
std::string openai_embedding_body(const AskedEmbedding& asked, std::string_view model,
                                  std::span<const std::vector<float>> vectors, const Usage& usage);

/// A row of GET /v1/models.
struct ModelCard {
  std::string id;
  int64_t created_s = 0;     // since 1970
  int max_model_len = 0;     // tokens
  uint64_t parameters = 0;   // 0: not known
  uint64_t bytes = 0;        // of its file
  int width = 0;             // of an embedding; 0: not known
  std::string architecture;  // "qwen2"
  std::string quantization;  // "Q4_K_M"
  bool loaded = false;
};
std::string openai_models_body(std::span<const ModelCard> cards);
std::string openai_model_body(const ModelCard& card);

/// POST /tokenize, in llama-server's form {content, add_special, with_pieces} or in vLLM's
/// {prompt | messages, add_special_tokens, return_token_strs}.
struct AskedTokens {
  std::string model;
  Prompt prompt;
  bool bos = false;
  bool pieces = false;  // the bytes of each token too
  bool counts = false;  // vLLM's form of the answer: count and max_model_len beside the tokens
  std::vector<std::string> ignored;
};
Read<AskedTokens> read_tokenize(const boost::json::object& body);
/// `pieces`: the bytes of each token, where asked for.
std::string tokenize_body(const AskedTokens& asked, std::span<const text::Token> tokens,
                          std::span<const std::string> pieces, int max_model_len);

/// POST /detokenize {tokens}.
struct AskedText {
  std::string model;
  std::vector<text::Token> tokens;
  std::vector<std::string> ignored;
};
Read<AskedText> read_detokenize(const boost::json::object& body);
std::string detokenize_body(std::string_view text);

/// POST /apply-template {messages}.
struct AskedTemplate {
  std::string model;
  Conversation conversation;
  std::vector<std::string> ignored;
};
Read<AskedTemplate> read_apply_template(const boost::json::object& body);
std::string apply_template_body(std::string_view prompt);

}  // namespace handmill::api
