// The hyper-parameters that all architectures share, from a file's metadata.
#include <cmath>

#include "base/error.h"
#include "base/quote.h"
#include "model/arch/arch.h"
#include "model/keys.h"
#include "model/limits.h"
#include "model/rope.h"

namespace handmill::model {
namespace {

std::string names() {
  std::string list;
  for (const std::string& name : architectures()) list += (list.empty() ? "" : ", ") + name;
  return list;
}

Status read_attention(const Keys& keys, Config& config) {
  HANDMILL_TRY(config.heads, keys.count("attention.head_count", kMaxHeads));
  HANDMILL_TRY(config.kv_heads, keys.count_or("attention.head_count_kv", config.heads, kMaxHeads));
  if (config.heads % config.kv_heads != 0)
    return base::invalid("{} is {}, which does not divide the {} heads",
                         keys.name("attention.head_count_kv"), config.kv_heads, config.heads);
  if (!keys.has("attention.key_length") && config.width % config.heads != 0)
    return base::invalid("{} is {}, which does not divide the width {}",
                         keys.name("attention.head_count"), config.heads, config.width);
  HANDMILL_TRY(config.head_dim,
               keys.count_or("attention.key_length", config.width / config.heads, kMaxHeadDim));
  if (config.head_dim < 2 || config.head_dim > kMaxHeadDim || config.head_dim % 2 != 0)
    return base::invalid("{}: heads of {} elements; they must be an even number, 2 to {}",
                         keys.file().path(), config.head_dim, kMaxHeadDim);
  HANDMILL_TRY(const int value_dim,
               keys.count_or("attention.value_length", config.head_dim, kMaxHeadDim));
  if (value_dim != config.head_dim)
    return base::unsupported("{} is {}; handmill supports values as long as keys ({}) only",
                             keys.name("attention.value_length"), value_dim, config.head_dim);
  config.fine_attention_input = config.width < kFineInputBelow;
  config.attention_scale = static_cast<float>(1 / std::sqrt(static_cast<double>(config.head_dim)));
  HANDMILL_TRY(config.rope_dims,
               keys.count_or("rope.dimension_count", config.head_dim, kMaxHeadDim));
  if (config.rope_dims > config.head_dim || config.rope_dims % 2 != 0)
    return base::invalid("{} is {}; it must be even and at most the head's {}",
                         keys.name("rope.dimension_count"), config.rope_dims, config.head_dim);
  return {};
}

/// Absent, or 0 for "none": the mean.
Status read_pooling(const Keys& keys, Config& config) {
  if (!keys.has("pooling_type")) return {};
  HANDMILL_TRY(const double type, keys.number("pooling_type", 0, 255));
  if (type == 2) config.pooling = Pooling::kFirst;
  if (type == 3) config.pooling = Pooling::kLast;
  if (type > 3)
    return base::unsupported("{} is {}; handmill supports 0 (none), 1 (mean), 2 (first), 3 (last)",
                             keys.name("pooling_type"), type);
  return {};
}

/// The vocabulary is as long as the embedding table.
Status read_vocab(const Keys& keys, Config& config) {
  const gguf::File& file = keys.file();
  const gguf::Tensor* embedding = file.find_tensor("token_embd.weight");
  if (embedding == nullptr) return base::invalid("{}: no tensor token_embd.weight", file.path());
  if (embedding->rows() > static_cast<uint64_t>(kMaxVocab))
    return base::limit("{}: token_embd.weight has {} rows; at most {} are supported", file.path(),
                       embedding->rows(), kMaxVocab);
  config.vocab = static_cast<int>(embedding->rows());
  HANDMILL_TRY(const int stated, keys.count_or("vocab_size", config.vocab, kMaxVocab));
  if (stated != config.vocab)
    return base::invalid("{} is {}, but token_embd.weight has {} rows", keys.name("vocab_size"),
                         stated, config.vocab);
  return {};
}

}  // namespace

std::vector<std::string> architectures() {
  std::vector<std::string> list;
  for (const Architecture* architecture : all_architectures())
    list.emplace_back(architecture->name);
  return list;
}

Result<Config> read_config(const gguf::File& file) {
  Config config;
  HANDMILL_TRY(config.architecture, file.get_string("general.architecture"));
  const Architecture* architecture = find_architecture(config.architecture);
  if (architecture == nullptr)
    return base::unsupported("{}: architecture {} is not supported; handmill has {}", file.path(),
                             base::quoted(config.architecture), names());
  const Keys keys(file, config.architecture);
  HANDMILL_OK(keys.require("expert_count", 0));
  HANDMILL_TRY(config.layers, keys.count("block_count", kMaxLayers));
  HANDMILL_TRY(config.width, keys.count("embedding_length", kMaxWidth));
  HANDMILL_TRY(config.ffn_width, keys.count("feed_forward_length", kMaxFfnWidth));
  HANDMILL_TRY(config.context, keys.count("context_length", kMaxContext));
  HANDMILL_TRY(const double eps, keys.number("attention.layer_norm_rms_epsilon", 0, 1));
  config.eps = static_cast<float>(eps);
  HANDMILL_OK(read_attention(keys, config));
  HANDMILL_OK(read_vocab(keys, config));
  HANDMILL_OK(read_pooling(keys, config));
  HANDMILL_OK(read_rope(keys, architecture->rope_base, config));
  HANDMILL_OK(architecture->configure(keys, config));
  return config;
}

}  // namespace handmill::model
