// The explicit table of pre-tokenizers, the finders of simple runs that several of them begin with,
// and the loop that applies a list of finders one after another.
#include <algorithm>

#include "text/scan.h"
#include "text/split.h"

namespace handmill::text {
namespace {

struct Range {
  char32_t first, last;
};

template <size_t n>
bool contains(const Range (&ranges)[n], char32_t code) {
  for (const Range& range : ranges) {
    if (code <= range.last) return code >= range.first;
  }
  return false;
}

// The letters of deepseek-llm's pattern: cased letters of an older Unicode, without the lower case
// of Armenian and Georgian.
constexpr Range kDeepseekLetters[] = {
    {'A', 'Z'},         {'a', 'z'},         {0xB5, 0xB5},       {0xC0, 0xD6},
    {0xD8, 0xF6},       {0xF8, 0x1BA},      {0x1BC, 0x1BF},     {0x1C4, 0x293},
    {0x295, 0x2AF},     {0x370, 0x373},     {0x376, 0x377},     {0x37B, 0x37D},
    {0x37F, 0x37F},     {0x386, 0x386},     {0x388, 0x38A},     {0x38C, 0x38C},
    {0x38E, 0x3A1},     {0x3A3, 0x3F5},     {0x3F7, 0x481},     {0x48A, 0x52F},
    {0x531, 0x556},     {0x10A0, 0x10C5},   {0x13A0, 0x13F5},   {0x13F8, 0x13FD},
    {0x1C90, 0x1CBA},   {0x1CBD, 0x1CBF},   {0x1D00, 0x1D2B},   {0x1D6B, 0x1D77},
    {0x1D79, 0x1D9A},   {0x1E00, 0x1F15},   {0x1F18, 0x1F1D},   {0x1F20, 0x1F45},
    {0x1F48, 0x1F4D},   {0x1F50, 0x1F57},   {0x1F59, 0x1F59},   {0x1F5B, 0x1F5B},
    {0x1F5D, 0x1F5D},   {0x1F5F, 0x1F7D},   {0x1F80, 0x1FB4},   {0x1FB6, 0x1FBC},
    {0x1FBE, 0x1FBE},   {0x1FC2, 0x1FC4},   {0x1FC6, 0x1FCC},   {0x1FD0, 0x1FD3},
    {0x1FD6, 0x1FDB},   {0x1FE0, 0x1FEC},   {0x1FF2, 0x1FF4},   {0x1FF6, 0x1FFC},
    {0x2102, 0x2102},   {0x2107, 0x2107},   {0x210A, 0x2113},   {0x2115, 0x2115},
    {0x2119, 0x211D},   {0x2124, 0x2124},   {0x2126, 0x2126},   {0x2128, 0x2128},
    {0x212A, 0x212D},   {0x212F, 0x2134},   {0x2139, 0x2139},   {0x213C, 0x213F},
    {0x2145, 0x2149},   {0x214E, 0x214E},   {0x2183, 0x2184},   {0x2C00, 0x2C7B},
    {0x2C7E, 0x2CE4},   {0x2CEB, 0x2CEE},   {0x2CF2, 0x2CF3},   {0xA640, 0xA66D},
    {0xA680, 0xA69B},   {0xA722, 0xA76F},   {0xA771, 0xA787},   {0xA78B, 0xA78E},
    {0xAB70, 0xABBF},   {0xFB00, 0xFB06},   {0xFB13, 0xFB17},   {0xFF21, 0xFF3A},
    {0xFF41, 0xFF5A},   {0x10400, 0x1044F}, {0x104B0, 0x104D3}, {0x104D8, 0x104FB},
    {0x10C80, 0x10CB2}, {0x10CC0, 0x10CF2}, {0x118A0, 0x118DF}, {0x1E900, 0x1E943},
};
constexpr Range kDeepseekPuncts[] = {
    {'!', '/'}, {':', '~'}, {0x2018, 0x201F}, {0x3000, 0x3002}, {0xFF01, 0xFF0F}, {0xFF1A, 0xFF5E},
};
constexpr Range kDeepseekCjk[] = {{0x800, 0x9FA5}, {0xAC00, 0xD7FF}};
constexpr Range kDeepseek3Cjk[] = {{0x3040, 0x30FF}, {0x4E00, 0x9FA5}};

constexpr Finder kGpt2[] = {find_gpt2};
constexpr Finder kSmollm[] = {find_number, find_gpt2};
constexpr Finder kLlama3[] = {find_llama3};
constexpr Finder kQwen2[] = {find_qwen2};
constexpr Finder kQwen35[] = {find_qwen35};
constexpr Finder kTekken[] = {find_tekken};
constexpr Finder kGpt4o[] = {find_gpt4o};
constexpr Finder kDeepseekLlm[] = {
    find_newline,    find_deepseek_letter_word, find_deepseek_punct_word,
    find_space_tail, find_deepseek_cjk,         find_number_run};
constexpr Finder kDeepseekCoder[] = {find_newline, find_letter_word, find_punct_word,
                                     find_deepseek_cjk, find_number};
constexpr Finder kDeepseek3[] = {find_number_triple, find_deepseek3_cjk, find_deepseek3_words};

constexpr PreTokenizer kPreTokenizers[] = {
    // name, stages, ignore_merges, add_bos
    {"chatglm-bpe", kLlama3},
    {"dbrx", kLlama3},
    {"deepseek-coder", kDeepseekCoder},
    {"deepseek-llm", kDeepseekLlm},
    {"deepseek-r1-qwen", kQwen2},
    {"deepseek-v3", kDeepseek3},
    {"glm4", kLlama3},
    {"gpt-2", kGpt2},
    {"gpt-4o", kGpt4o},
    {"llama-bpe", kLlama3, true, true},
    {"llama-v3", kLlama3, true, true},
    {"llama3", kLlama3, true, true},
    {"llama4", kGpt4o},
    {"qwen2", kQwen2},
    {"qwen35", kQwen35},
    {"smaug-bpe", kLlama3},
    {"smollm", kSmollm},
    {"tekken", kTekken, true, true},
};

}  // namespace

const PreTokenizer* find_pre_tokenizer(std::string_view name) {
  for (const PreTokenizer& each : kPreTokenizers) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

std::string pre_tokenizer_names() {
  std::string names;
  for (const PreTokenizer& each : kPreTokenizers) {
    names.append(names.empty() ? "" : ", ").append(each.name);
  }
  return names;
}

void split(std::span<const Finder> stages, std::string_view text,
           std::vector<std::string_view>& words) {
  if (stages.empty()) {
    words.push_back(text);
    return;
  }
  auto rest = stages.subspan(1);
  for (size_t from = 0; from < text.size();) {
    Match match = stages.front()(text, from);
    if (match.begin > from) split(rest, text.substr(from, match.begin - from), words);
    if (match.end > match.begin) {
      split(rest, text.substr(match.begin, match.end - match.begin), words);
    }
    from = match.end;
  }
}

Match find_number(std::string_view text, size_t from) {
  size_t begin = run_without(text, from, kNumber);
  return {begin, run_of_numbers(text, begin, 1)};
}

Match find_number_run(std::string_view text, size_t from) {
  return find_run(text, from, [](const Char& c) { return (c.classes & kNumber) != 0; });
}

Match find_number_triple(std::string_view text, size_t from) {
  size_t begin = run_without(text, from, kNumber);
  return {begin, run_of_numbers(text, begin, 3)};
}

Match find_newline(std::string_view text, size_t from) {
  size_t begin = std::min(text.find_first_of("\r\n", from), text.size());
  return {begin, std::min(begin + 1, text.size())};
}

Match find_space_tail(std::string_view text, size_t from) {
  size_t begin = from;
  for (Char c; (c = char_at(text, from)).size != 0;) {
    from += c.size;
    if (!(c.classes & kSpace)) begin = from;
  }
  return {begin, text.size()};
}

Match find_letter_word(std::string_view text, size_t from) {
  return find_spaced_run(text, from, [](const Char& c) { return (c.classes & kLetter) != 0; });
}
Match find_punct_word(std::string_view text, size_t from) {
  return find_spaced_run(text, from, [](const Char& c) { return (c.classes & kPunct) != 0; });
}
Match find_deepseek_letter_word(std::string_view text, size_t from) {
  return find_spaced_run(text, from,
                         [](const Char& c) { return contains(kDeepseekLetters, c.code); });
}
Match find_deepseek_punct_word(std::string_view text, size_t from) {
  return find_spaced_run(text, from,
                         [](const Char& c) { return contains(kDeepseekPuncts, c.code); });
}
Match find_deepseek_cjk(std::string_view text, size_t from) {
  return find_run(text, from, [](const Char& c) { return contains(kDeepseekCjk, c.code); });
}
Match find_deepseek3_cjk(std::string_view text, size_t from) {
  return find_run(text, from, [](const Char& c) { return contains(kDeepseek3Cjk, c.code); });
}

}  // namespace handmill::text
