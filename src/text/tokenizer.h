// Text to token ids and back, from a GGUF file's tokenizer metadata: byte-level BPE with a named
// pre-tokenizer ("gpt2" models), or SentencePiece ("llama" models). Any bytes may be encoded; time
// is n log n at worst, in one word of n bytes. Immutable; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/file.h"

namespace handmill::text {

using Token = int32_t;
inline constexpr Token kNoToken = -1;

struct EncodeOptions {
  bool bos = false;      // put the BOS token first (if the model has one)
  bool special = false;  // control tokens written in the text become control tokens; otherwise they
                         // are plain text (user-defined tokens, "<tool_call>", count in any text)
};

/// A piece of a prompt: text that a template wrote may hold control tokens, text that a user wrote
/// may not.
struct Segment {
  std::string text;
  bool special = false;
};

class Tokenizer {
 public:
  /// A pre-tokenizer or a tokenizer model that handmill lacks is kUnsupported, with the list of
  /// those it has.
  static Result<std::shared_ptr<const Tokenizer>> load(const gguf::File& file);
  virtual ~Tokenizer() = default;

  virtual int vocab_size() const = 0;
  virtual std::vector<Token> encode(std::string_view text,
                                    const EncodeOptions& options = {}) const = 0;
  /// One prompt of several pieces: control tokens are recognised only in the special ones, while
  /// pieces of plain text that touch are split into words as if they were one text.
  virtual std::vector<Token> encode(std::span<const Segment> segments, bool bos) const = 0;

  /// The bytes that a token stands for; not always whole characters. Control tokens give no bytes
  /// unless `special`; ids outside the vocabulary never do.
  virtual std::string token_bytes(Token token, bool special = false) const = 0;
  /// The token's text as the vocabulary has it, for display; empty outside the vocabulary.
  virtual std::string_view token_text(Token token) const = 0;
  virtual bool is_control(Token token) const = 0;
  /// A control token by its exact text ("<|im_end|>"), or kNoToken.
  virtual Token find_control(std::string_view text) const = 0;

  Token bos() const { return bos_; }
  Token eos() const { return eos_; }
  bool add_bos() const { return add_bos_; }  // the model's own wish: tokenizer.ggml.add_bos_token
  /// Every token that ends an answer: eos, eot, eom of the metadata, and the well-known ones that
  /// the vocabulary marks as control ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", …).
  std::span<const Token> end_tokens() const { return end_tokens_; }
  bool is_end(Token token) const;
  /// SentencePiece: the encoder puts a space before the first word, which decoding takes away
  /// again.
  bool adds_space_prefix() const { return adds_space_prefix_; }

 protected:
  Token bos_ = kNoToken, eos_ = kNoToken;
  bool add_bos_ = false;
  bool adds_space_prefix_ = false;
  std::vector<Token> end_tokens_;
};

/// Turns a stream of tokens into a stream of whole characters. Not shared between threads.
class Detokenizer {
 public:
  explicit Detokenizer(std::shared_ptr<const Tokenizer> tokenizer, bool special = false);
  /// The text that this token completes: always valid UTF-8; bytes of an unfinished character wait
  /// for the next call, bytes that can never become one are given as U+FFFD.
  std::string push(Token token);
  /// What is still held back (as U+FFFD), at the end of the stream; the next push begins another.
  std::string finish();

 private:
  std::shared_ptr<const Tokenizer> tokenizer_;
  bool special_;
  bool first_ = true;  // SentencePiece drops the space that it put before the first word
  std::string held_;
};

}  // namespace handmill::text
