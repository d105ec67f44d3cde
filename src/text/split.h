// Pre-tokenizers: how a text is cut into words before byte-pair merges. Each published regular
// expression has a hand-written finder, linear in the text; a pre-tokenizer is a list of finders,
// each applied to the pieces that the former left. Invariant: the words, joined, are the text.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace handmill::text {

struct Match {
  size_t begin, end;
};
/// The first match at or after `from`, as a regex search over `piece` gives it; {size, size} if
/// there is none. What lies between matches is a piece too.
using Finder = Match (*)(std::string_view piece, size_t from);

struct PreTokenizer {
  std::string_view name;  // as in tokenizer.ggml.pre
  std::span<const Finder> stages;
  bool ignore_merges = false;  // a word that is a token is that token, whatever the merges say
  bool add_bos = false;        // where the file does not say
};

/// nullptr if handmill lacks it.
const PreTokenizer* find_pre_tokenizer(std::string_view name);
/// "chatglm-bpe, dbrx, …", for error messages.
std::string pre_tokenizer_names();

/// Appends the words of `text` (views into it) to `words`.
void split(std::span<const Finder> stages, std::string_view text,
           std::vector<std::string_view>& words);

// The finders, by the pattern that each stands for; split_test.cpp holds the patterns themselves
// and compares with PCRE2.
Match find_gpt2(std::string_view piece, size_t from);
Match find_llama3(std::string_view piece, size_t from);
Match find_qwen2(std::string_view piece, size_t from);
Match find_qwen35(std::string_view piece, size_t from);
Match find_tekken(std::string_view piece, size_t from);
Match find_gpt4o(std::string_view piece, size_t from);
Match find_deepseek3_words(std::string_view piece, size_t from);

Match find_number(std::string_view piece, size_t from);                // \p{N}
Match find_number_run(std::string_view piece, size_t from);            // \p{N}+
Match find_number_triple(std::string_view piece, size_t from);         // \p{N}{1,3}
Match find_newline(std::string_view piece, size_t from);               // [\r\n]
Match find_space_tail(std::string_view piece, size_t from);            // \s+$
Match find_letter_word(std::string_view piece, size_t from);           // \s?\p{L}+
Match find_punct_word(std::string_view piece, size_t from);            // \s?\p{P}+
Match find_deepseek_letter_word(std::string_view piece, size_t from);  // \s?[A-Za-zµÀ-Ö…]+
Match find_deepseek_punct_word(std::string_view piece,
                               size_t from);                    // \s?[!-/:-~！-／：-～‘-‟　-。]+
Match find_deepseek_cjk(std::string_view piece, size_t from);   // [一-龥ࠀ-一가-퟿]+
Match find_deepseek3_cjk(std::string_view piece, size_t from);  // [一-龥぀-ゟ゠-ヿ]+

}  // namespace handmill::text
