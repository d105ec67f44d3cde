// HTML escaping, for what templates mark as safe.
#pragma once

#include "chat/jinja/marked.h"

namespace handmill::chat::jinja {

/// & < > " ' as entities, marked as the characters were; text that is safe stays as it is.
Marked escaped(const Marked& text);

}  // namespace handmill::chat::jinja
