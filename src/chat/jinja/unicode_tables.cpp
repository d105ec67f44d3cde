// The tables, which a program wrote from Python's unicodedata.
#include "chat/jinja/unicode_tables.h"

namespace handmill::chat::jinja {

#include "chat/jinja/unicode_tables.inc"

}  // namespace handmill::chat::jinja
