// The Tokenizer that load() makes: tokens matched whole are cut out of the text first, and what is
// left between them goes to the model's encoder (Bpe or SentencePiece).
#include "text/tokenizer.h"

#include <algorithm>
#include <variant>

#include "base/error.h"
#include "text/bpe.h"
#include "text/sentencepiece.h"
#include "text/special.h"
#include "text/vocabulary.h"

namespace handmill::text {
namespace {

/// Where control tokens may begin and end, in bytes of the joint text.
struct Span {
  size_t begin, end;
};

using Encoder = std::variant<Bpe, SentencePiece>;

class FileTokenizer final : public Tokenizer {
 public:
  FileTokenizer(Vocabulary vocabulary, SpecialIndex special, Encoder encoder, bool add_bos,
                bool adds_space_prefix)
      : vocabulary_(std::move(vocabulary)),
        special_(std::move(special)),
        encoder_(std::move(encoder)) {
    bos_ = vocabulary_.bos;
    eos_ = vocabulary_.eos;
    end_tokens_ = vocabulary_.end_tokens;
    add_bos_ = add_bos;
    adds_space_prefix_ = adds_space_prefix;
  }

  int vocab_size() const override { return vocabulary_.size(); }

  std::vector<Token> encode(std::string_view text, const EncodeOptions& options) const override {
    const Span all{0, text.size()};
    return encode(text, std::span(&all, options.special ? 1 : 0), options.bos);
  }

  std::vector<Token> encode(std::span<const Segment> segments, bool bos) const override {
    std::string text;
    std::vector<Span> spans;
    for (const Segment& segment : segments) {
      Span span{text.size(), text.size() + segment.text.size()};
      text += segment.text;
      if (!segment.special) continue;
      if (!spans.empty() && spans.back().end == span.begin) {
        spans.back().end = span.end;
      } else {
        spans.push_back(span);
      }
    }
    return encode(text, spans, bos);
  }

  std::string token_bytes(Token token, bool special) const override {
    if (!vocabulary_.has(token)) return {};
    if (!special && is_hidden(token)) return {};
    return std::visit([token](const auto& encoder) { return std::string(encoder.bytes(token)); },
                      encoder_);
  }
  std::string_view token_text(Token token) const override {
    return vocabulary_.has(token) ? vocabulary_.texts[static_cast<size_t>(token)]
                                  : std::string_view();
  }
  bool is_control(Token token) const override { return is_of(token, TokenType::kControl); }
  Token find_control(std::string_view text) const override { return special_.find_control(text); }

 private:
  bool is_of(Token token, TokenType type) const {
    return vocabulary_.has(token) && vocabulary_.types[static_cast<size_t>(token)] == type;
  }
  bool is_hidden(Token token) const {
    return is_control(token) ||
           (is_of(token, TokenType::kUnknown) && std::holds_alternative<Bpe>(encoder_));
  }

  /// `spans`: in order, disjoint, not touching.
  std::vector<Token> encode(std::string_view text, std::span<const Span> spans, bool bos) const {
    std::vector<Token> out;
    if (bos && bos_ != kNoToken) out.push_back(bos_);
    size_t plain = 0;  // where the plain text that waits to be encoded begins
    for (size_t i = 0; i < text.size();) {
      while (!spans.empty() && spans.front().end <= i) spans = spans.subspan(1);
      bool allowed = !spans.empty() && spans.front().begin <= i;
      auto found = special_.match(text, i, allowed ? spans.front().end : 0);
      if (!found) {
        ++i;
        continue;
      }
      encode_plain(text.substr(plain, i - plain), out);
      out.push_back(found->token);
      plain = i = found->end;
    }
    encode_plain(text.substr(plain), out);
    return out;
  }

  void encode_plain(std::string_view text, std::vector<Token>& out) const {
    if (text.empty()) return;
    std::visit([&](const auto& encoder) { encoder.encode(text, out); }, encoder_);
  }

  Vocabulary vocabulary_;
  SpecialIndex special_;
  Encoder encoder_;
};

Result<bool> read_flag(const gguf::File& file, std::string_view key, bool absent) {
  return file.has(key) ? file.get_bool(key) : Result<bool>(absent);
}

Error named(const gguf::File& file, Error error) {
  error.message = fmt::format("{}: tokenizer: {}", file.path(), error.message);
  return error;
}

/// The tokens that are matched whole. Phi-3's template tokens take the whitespace after them along,
/// a property that GGUF cannot express.
std::vector<SpecialToken> special_tokens(const Vocabulary& vocabulary, bool spaces_escaped,
                                         bool phi3) {
  constexpr std::string_view kKeepSpace[] = {"<unk>", "<s>", "<|endoftext|>"};
  std::vector<SpecialToken> tokens;
  for (Token token = 0; token < vocabulary.size(); ++token) {
    const auto i = static_cast<size_t>(token);
    const TokenType type = vocabulary.types[i];
    const bool user_defined = type == TokenType::kUserDefined;
    if (!user_defined && type != TokenType::kControl && type != TokenType::kUnknown) continue;
    SpecialToken special{std::string(vocabulary.texts[i]), token, !user_defined, false};
    if (user_defined && spaces_escaped) special.text = unescape_spaces(special.text);
    special.eats_space = phi3 && std::ranges::count(kKeepSpace, special.text) == 0;
    tokens.push_back(std::move(special));
  }
  return tokens;
}

Result<std::shared_ptr<const Tokenizer>> load_bpe(const gguf::File& file) {
  HANDMILL_TRY(std::string_view name, file.get_string("tokenizer.ggml.pre"));
  const PreTokenizer* pre_tokenizer = find_pre_tokenizer(name);
  if (pre_tokenizer == nullptr) {
    return base::unsupported(
        "{}: pre-tokenizer \"{}\" (tokenizer.ggml.pre) is not supported; "
        "supported are: {}",
        file.path(), name, pre_tokenizer_names());
  }
  HANDMILL_TRY(bool add_bos,
               read_flag(file, "tokenizer.ggml.add_bos_token", pre_tokenizer->add_bos));
  HANDMILL_TRY(Vocabulary vocabulary, read_vocabulary(file, false));
  HANDMILL_TRY(std::vector<std::string_view> merges, file.get_strings("tokenizer.ggml.merges"));
  auto bpe = Bpe::build(vocabulary, merges, *pre_tokenizer);
  if (!bpe) return named(file, bpe.error());
  auto special = SpecialIndex::build(special_tokens(vocabulary, false, false));
  if (!special) return named(file, special.error());
  return std::shared_ptr<const Tokenizer>(std::make_shared<const FileTokenizer>(
      std::move(vocabulary), *std::move(special), *std::move(bpe), add_bos, false));
}

Result<std::shared_ptr<const Tokenizer>> load_sentencepiece(const gguf::File& file) {
  SentencePiece::Options options;
  HANDMILL_TRY(bool add_bos, read_flag(file, "tokenizer.ggml.add_bos_token", true));
  HANDMILL_TRY(options.add_space_prefix, read_flag(file, "tokenizer.ggml.add_space_prefix", true));
  HANDMILL_TRY(options.remove_extra_whitespaces,
               read_flag(file, "tokenizer.ggml.remove_extra_whitespaces", false));
  HANDMILL_TRY(Vocabulary vocabulary, read_vocabulary(file, true));
  auto model = SentencePiece::build(vocabulary, options);
  if (!model) return named(file, model.error());
  auto architecture = file.get_string("general.architecture");
  bool phi3 = architecture.ok() && *architecture == "phi3";
  auto special = SpecialIndex::build(special_tokens(vocabulary, true, phi3));
  if (!special) return named(file, special.error());
  return std::shared_ptr<const Tokenizer>(
      std::make_shared<const FileTokenizer>(std::move(vocabulary), *std::move(special),
                                            *std::move(model), add_bos, options.add_space_prefix));
}

struct Loader {
  std::string_view model;  // as in tokenizer.ggml.model
  Result<std::shared_ptr<const Tokenizer>> (*load)(const gguf::File&);
};
constexpr Loader kLoaders[] = {{"gpt2", load_bpe}, {"llama", load_sentencepiece}};

}  // namespace

Result<std::shared_ptr<const Tokenizer>> Tokenizer::load(const gguf::File& file) {
  HANDMILL_TRY(std::string_view model, file.get_string("tokenizer.ggml.model"));
  for (const Loader& loader : kLoaders) {
    if (loader.model == model) return loader.load(file);
  }
  return base::unsupported(
      "{}: tokenizer model \"{}\" (tokenizer.ggml.model) is not supported; supported are: gpt2 "
      "(byte-level BPE) and llama (SentencePiece)",
      file.path(), model);
}

bool Tokenizer::is_end(Token token) const { return std::ranges::count(end_tokens_, token) != 0; }

}  // namespace handmill::text
