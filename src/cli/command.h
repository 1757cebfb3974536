#pragma once
/// Command: what the command line chose to run. Each command's file has one function that adds it
/// to the parser.

#include <functional>
#include <string>

#include "cli/exit_code.h"
#include "coffer/core/error.h"

namespace CLI {
class App;
}

namespace coffer::cli {

struct Command {
  std::string name;     // "mount"
  std::string subject;  // what it works on, for messages: a volume or mountpoint
  std::function<Result<ExitCode>()> run;
};

void add_init(CLI::App& app, Command& chosen);
void add_mount(CLI::App& app, Command& chosen);
void add_serve(CLI::App& app, Command& chosen);
void add_unmount(CLI::App& app, Command& chosen);
void add_status(CLI::App& app, Command& chosen);
void add_key(CLI::App& app, Command& chosen);
void add_s3_key(CLI::App& app, Command& chosen);
void add_fsck(CLI::App& app, Command& chosen);
void add_volume(CLI::App& app, Command& chosen);
void add_scrub(CLI::App& app, Command& chosen);
void add_heal(CLI::App& app, Command& chosen);
void add_clean(CLI::App& app, Command& chosen);
void add_version(CLI::App& app, Command& chosen);
/// The commands of later releases: they answer "not supported".

}  // namespace coffer::cli
