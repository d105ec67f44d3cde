// libFuzzer: any bytes are a catalogue, all of whose shapes can be counted, or an Error with a
// message. So are any edits (3 bytes each: where, and what) of a good one, for few bytes come past
// the first brace.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "backend/cpu/cpu.h"
#include "measure/catalogue.h"
#include "measure/mix.h"

namespace {

using namespace handmill::measure;

constexpr std::string_view kGood = R"({"format": 1, "date": "2025-01-01",
"sources": [{"id": "s", "text": "t", "date": "2025-01-01"}],
"models": [{"name": "a:1b", "aliases": ["a"], "family": "A", "released": "2025-01-01",
"shape": {"architecture": "qwen2", "layers": 20, "width": 512, "heads": 8, "kv_heads": 2,
"head_dim": 64, "ffn_width": 960, "vocab": 1000, "context": 512, "tied": true, "window": 32,
"window_pattern": 6, "experts": 16, "experts_used": 4, "rope_factors": 32},
"parameters": {"value": 5e6, "source": "s"}, "header_bytes": 900,
"licence": {"name": "L", "commercial": true, "note": "n"}, "languages": ["en"],
"thinking": "always", "thinking_tokens": {"value": 5, "source": "s", "checked": false},
"fill_in_the_middle": false, "fetch": {"repository": "r", "file": "f-{QUANT}.gguf"},
"files": [{"quantization": "q4_k_m", "bytes": 9, "source": "s", "deviates": "d"}],
"scores": [{"metric": "M", "mode": "thinking", "value": 99.5, "source": "s"}]}],
"losses": [{"quantization": "q4_0", "perplexity_ratio": 1.02, "model": "m", "source": "s",
"kl_divergence": 0.03}],
"floors": [{"parameters_below": 1e9, "quantization": "q4_0", "source": "s"}],
"online": [{"name": "n", "models": "m", "source": "s"}]})";

void read(std::string_view text) {
  static const auto kBackend = std::move(*handmill::backend::make_cpu_backend(1));
  const auto catalogue = parse_catalogue(text);
  if (!catalogue.ok()) {
    if (catalogue.error().message.empty()) std::abort();
    return;
  }
  for (const CatalogueModel& model : catalogue->models)
    for (const Mix& mix : mixes()) {
      const auto shape = shape_of(model, mix, *kBackend);
      if (shape.ok() && shape->file_bytes < model.header_bytes) std::abort();
      (void)model.file_name(mix.name);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  read({reinterpret_cast<const char*>(data), size});
  std::string edited(kGood);
  for (size_t i = 0; i + 3 <= size; i += 3)
    edited[(data[i] * 256u + data[i + 1]) % edited.size()] = static_cast<char>(data[i + 2]);
  read(edited);
  return 0;
}
