#pragma once
/// --config FILE: a TOML file turned into arguments, which are put before those of the command line
/// so that the latter win.
///
/// Keys are the options' long names. Those at the top hold for every command that has the option;
/// those in a section named after a command hold for that command only.

#include <string>
#include <vector>

#include "coffer/core/error.h"

namespace CLI {
class App;
}

namespace coffer::cli {

/// `arguments` (without the program's name) with those of the file, if --config is among them, put
/// in after the command's name. InvalidArgument: no such file, a key that no command has.
Result<std::vector<std::string>> with_config(const CLI::App& app,
                                             std::vector<std::string> arguments);

}  // namespace coffer::cli
