// Where handmill keeps models and state on this machine.
#pragma once

#include <string>

namespace handmill::cli {

/// $HANDMILL_HOME, else $XDG_DATA_HOME/handmill, else ~/.local/share/handmill; empty where none of
/// these is known.
std::string home_folder();
std::string models_folder();   // models/ there
std::string shaders_folder();  // shaders/ there: what GPUs' drivers made of them
std::string panels_folder();   // panels/ there: prepared weights of models in read-only folders

}  // namespace handmill::cli
