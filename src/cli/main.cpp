// The program handmill: prepares the process, then cli/program.cpp does the rest.
#include <csignal>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/log.h"
#include "cli/terminal.h"

int main(int argc, char** argv) {
  // A reader that leaves (`handmill … | head`) ends the program quietly, also where the parent
  // ignores the signal.
  std::signal(SIGPIPE, SIG_DFL);
  handmill::cli::terminal::use_utf8();
  handmill::cli::log_to_stderr();
  return handmill::cli::run_program(
      std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}
