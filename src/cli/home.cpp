#include "cli/home.h"

#include <cstdlib>
#include <pwd.h>
#include <unistd.h>

namespace handmill::cli {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string home_folder() {
  if (std::string home = environment("HANDMILL_HOME"); !home.empty()) return home;
  // The XDG specification has a relative path ignored.
  if (std::string data = environment("XDG_DATA_HOME"); data.starts_with('/'))
    return data + "/handmill";
  if (std::string user = environment("HOME"); !user.empty()) return user + "/.local/share/handmill";
  const passwd* entry = ::getpwuid(::getuid());
  return entry == nullptr ? "" : std::string(entry->pw_dir) + "/.local/share/handmill";
}

std::string models_folder() {
  const std::string home = home_folder();
  return home.empty() ? "" : home + "/models";
}

std::string shaders_folder() {
  const std::string home = home_folder();
  return home.empty() ? "" : home + "/shaders";
}

std::string panels_folder() {
  const std::string home = home_folder();
  return home.empty() ? "" : home + "/panels";
}

}  // namespace handmill::cli
