// What a request may size. Each limit is one row; passing one is a Fault that names the field, the
// limit and what was given. limits_test.cpp has a test of every row.
#pragma once

#include <cstdint>
#include <string_view>

namespace handmill::api {

struct Limit {
  std::string_view name;
  int64_t value;
  std::string_view meaning;
};

// The body as a whole; the server counts its bytes before it reads them.
inline constexpr Limit kBodyBytesMax{"body_bytes", 32 << 20, "bytes of a body"};
inline constexpr Limit kNestingMax{"nesting", 64, "levels of lists and objects in a body"};

// What is asked of the model.
inline constexpr Limit kModelBytesMax{"model_bytes", 512, "bytes of a model's name"};
inline constexpr Limit kMessagesMax{"messages", 4096, "messages of a conversation"};
inline constexpr Limit kPartsMax{"content_parts", 1024, "content parts of a message"};
inline constexpr Limit kRoleBytesMax{"role_bytes", 64, "bytes of a role or a type"};
inline constexpr Limit kNameBytesMax{"name_bytes", 256, "bytes of a name or an id in a message"};
inline constexpr Limit kTextBytesMax{"text_bytes", 8 << 20, "bytes of one text"};
inline constexpr Limit kWordsMax{"words", 32, "words of a list such as modalities"};
inline constexpr Limit kToolCallsMax{"tool_calls", 128, "tool calls of a message"};
inline constexpr Limit kTemplateFieldsMax{"template_fields", 64, "variables for a chat template"};
inline constexpr Limit kPromptsMax{"prompts", 128, "prompts of a request"};
inline constexpr Limit kTokensMax{"tokens", 1 << 20, "tokens that a request gives as numbers"};
inline constexpr Limit kTokenIdMax{"token_id", INT32_MAX, "largest number of a token"};
inline constexpr Limit kInputsMax{"inputs", 2048, "inputs of a request for embeddings"};

// How the answer is made.
inline constexpr Limit kChoicesMax{"n", 16, "answers to each prompt"};
inline constexpr Limit kSequencesMax{"sequences", 256, "answers to all prompts of a request"};
inline constexpr Limit kAnswerTokensMax{"max_tokens", 1 << 24, "tokens of an answer"};
inline constexpr Limit kContextMax{"context", 1 << 24, "tokens of prompt and answer together"};
inline constexpr Limit kStopsMax{"stop", 16, "stop strings"};
inline constexpr Limit kStopBytesMax{"stop_bytes", 256, "bytes of a stop string"};
inline constexpr Limit kBiasesMax{"logit_bias", 1024, "tokens with a bias"};
inline constexpr Limit kTopLogprobsMax{"top_logprobs", 20, "likeliest tokens told for a position"};
inline constexpr Limit kTopKMax{"top_k", 1 << 24, "candidates of a token"};
inline constexpr Limit kPenaltyWindowMax{"penalty_last_n", 1 << 24, "tokens that penalties see"};
inline constexpr Limit kPriorityMax{"priority", 1'000'000, "largest priority, either sign"};
inline constexpr Limit kDimensionsMax{"dimensions", 1 << 16, "dimensions of an embedding"};

inline constexpr Limit kLimits[] = {
    kBodyBytesMax,      kNestingMax,    kModelBytesMax,   kMessagesMax,  kPartsMax,
    kRoleBytesMax,      kWordsMax,      kNameBytesMax,    kTextBytesMax, kToolCallsMax,
    kTemplateFieldsMax, kPromptsMax,    kTokensMax,       kTokenIdMax,   kInputsMax,
    kChoicesMax,        kSequencesMax,  kAnswerTokensMax, kContextMax,   kStopsMax,
    kStopBytesMax,      kBiasesMax,     kTopLogprobsMax,  kTopKMax,      kPenaltyWindowMax,
    kPriorityMax,       kDimensionsMax,
};

}  // namespace handmill::api
