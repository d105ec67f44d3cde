// API names of models: what a client may write, and what it means. Never a path.
#pragma once

#include <string>
#include <string_view>

namespace handmill::router {

/// Equal for the names that mean the same model: letter case and ":latest" do not matter.
std::string folded(std::string_view name);

}  // namespace handmill::router
