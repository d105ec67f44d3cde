// Errors of the rooms below, as clients are told them.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "api/event.h"
#include "base/result.h"

namespace handmill::router {

template <class T>
using Outcome = std::variant<T, api::Fault>;

/// What `param` asks cannot be.
api::Fault invalid(const Error& error, std::string_view param);
/// An error of the sampler's settings begins with the name of the field.
api::Fault invalid_setting(const Error& error);
/// A prompt of so many tokens, where a sequence may have `positions`.
api::Fault too_long(size_t tokens, int positions, std::string_view param);
/// The engine does not take a request that was prepared for it.
api::Fault not_taken(const Error& error, std::string_view param);
api::Fault no_model(std::string_view name);
api::Fault shutting_down();
/// Of a model that cannot be loaded; its file's path is not the client's business.
api::Fault not_loaded(Error error, const std::string& path, const std::string& name);

}  // namespace handmill::router
