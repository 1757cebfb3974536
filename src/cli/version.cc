/// coffer version, and the commands that this version does not have.

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>

#include "cli/command.h"

namespace coffer::cli {
namespace {

struct Absent {
  const char* name;
  const char* purpose;
};

constexpr std::array kAbsent{
    Absent{"clean", "Reclaim dead space (not supported in this version)"},
};

}  // namespace

void add_version(CLI::App& app, Command& chosen) {
  CLI::App* version = app.add_subcommand("version", "Print the version");
  version->callback([&chosen] {
    chosen = {"version", "", []() -> Result<ExitCode> {
                std::puts("coffer " COFFER_VERSION);
                return ExitCode::Ok;
              }};
  });
}

void add_absent(CLI::App& app, Command& chosen) {
  for (const Absent& absent : kAbsent) {
    CLI::App* command = app.add_subcommand(absent.name, absent.purpose);
    command->allow_extras();
    command->callback([name = std::string(absent.name), &chosen] {
      chosen = {name, "", []() -> Result<ExitCode> {
                  return fail(Errc::NotSupported, "not supported in this version");
                }};
    });
  }
}

}  // namespace coffer::cli
