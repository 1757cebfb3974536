/// coffer version.

#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/command.h"

namespace coffer::cli {

void add_version(CLI::App& app, Command& chosen) {
  CLI::App* version = app.add_subcommand("version", "Print the version");
  version->callback([&chosen] {
    chosen = {"version", "", []() -> Result<ExitCode> {
                std::puts("coffer " COFFER_VERSION);
                return ExitCode::Ok;
              }};
  });
}

}  // namespace coffer::cli
