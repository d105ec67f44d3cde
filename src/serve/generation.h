// A completion on its way: from the request through the router's events to the bytes of the reply,
// streamed or not.
#pragma once

#include <memory>

#include "api/dialect.h"
#include "serve/exchange.h"

namespace handmill::serve {

/// Submits what was asked; the reply, whatever it becomes, goes out through the exchange. On a
/// worker: templates and tokenization run here.
void generate(const std::shared_ptr<Exchange>& exchange, api::Asked asked);

}  // namespace handmill::serve
