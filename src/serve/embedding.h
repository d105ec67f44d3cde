// Embeddings on their way, and models that are loaded on request: what has one answer, later.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "api/request.h"
#include "router/router.h"
#include "serve/exchange.h"

namespace handmill::serve {

/// Computes them; `render` makes the reply's body of the answer, on the loop.
using RenderEmbedding =
    std::function<std::string(const api::Identity&, const router::EmbeddingAnswer&)>;
void embed(const std::shared_ptr<Exchange>& exchange, api::Embedding embedding,
           RenderEmbedding render);

/// Loads a model, or sets how long it stays; `render` makes the reply's body.
using RenderLoaded = std::function<std::string(const api::Identity&, const api::Timings&)>;
void preload(const std::shared_ptr<Exchange>& exchange, const std::string& model,
             api::KeepAlive keep_alive, RenderLoaded render);

}  // namespace handmill::serve
