/// coffer: the command line. Parses, runs one command, and turns its error into a line and an exit
/// code.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/mount_helper.h"
#include "coffer/core/log.h"
#include "coffer/vault/harden_process.h"

namespace coffer::cli {
namespace {

constexpr const char* kFooter =
    R"(Exit codes: 0 ok, 1 usage, 2 wrong passphrase or key, 3 vault damaged or not enough volumes,
4 busy, 5 I/O, 6 damage found that could not be repaired.

Examples:
  coffer init /disk1/vault /disk2/vault /disk3/vault   a vault that survives the loss of one disk
  coffer mount /disk1/vault ~/safe                     any one volume names the vault
  coffer mount /disk1/vault ~/safe --s3 127.0.0.1:9000 the same files, over S3 as well
  coffer unmount ~/safe

'coffer COMMAND --help' says all about a command.)";

int complain(const std::string& command, const std::string& subject, const Error& error) {
  std::fprintf(stderr, "%s\n", error_line(command, subject, error).c_str());
  return static_cast<int>(exit_code(error.code));
}

void add_commands(CLI::App& app, Command& chosen) {
  app.require_subcommand(1);
  app.footer(kFooter);
  app.set_version_flag("--version", "coffer " COFFER_VERSION);
  add_init(app, chosen);
  add_mount(app, chosen);
  add_serve(app, chosen);
  add_unmount(app, chosen);
  add_status(app, chosen);
  add_key(app, chosen);
  add_s3_key(app, chosen);
  add_fsck(app, chosen);
  add_volume(app, chosen);
  add_scrub(app, chosen);
  add_heal(app, chosen);
  add_clean(app, chosen);
  add_version(app, chosen);
}

/// What CLI11 does not say of a word that is no command.
std::string explain(const CLI::ParseError& error, const std::string& command,
                    const std::string& first_word) {
  std::string text = error.what();
  if (command.empty() && !first_word.empty() && !first_word.starts_with("-"))
    text = "there is no command '" + first_word + "'";
  return text + ": see 'coffer " + command + (command.empty() ? "" : " ") + "--help'";
}

std::string command_of(const CLI::App& app) {
  const auto commands = app.get_subcommands();
  return commands.empty() ? std::string() : commands.front()->get_name();
}

int run(int argc, char** argv) {
  if (auto hardened = harden_process(); !hardened) return complain("", "", hardened.error());
  (void)log_open({.level = LogLevel::Warning, .file = {}});
  CLI::App app(
      "Coffer: an encrypted vault that mounts as a disk, serves as S3, and survives lost disks.",
      "coffer");
  Command chosen;
  add_commands(app, chosen);
  std::vector<std::string> given(argv + std::min(argc, 1), argv + argc);
  if (auto helper = helper_call(argc > 0 ? argv[0] : "", given,
                                ::geteuid() == 0 ? Caller::Root : Caller::User)) {
    if (helper->fake) return 0;
    given = std::move(helper->arguments);
  }
  auto arguments = with_config(app, std::move(given));
  if (!arguments) return complain("", "", arguments.error());
  const std::string first_word = arguments->empty() ? "" : arguments->front();
  std::reverse(arguments->begin(), arguments->end());  // as CLI11 wants them
  try {
    app.parse(std::move(*arguments));
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    const std::string command = command_of(app);
    return complain(command, "", {Errc::InvalidArgument, explain(error, command, first_word)});
  }
  const auto outcome = chosen.run();
  if (!outcome) return complain(chosen.name, chosen.subject, outcome.error());
  return static_cast<int>(*outcome);
}

}  // namespace
}  // namespace coffer::cli

int main(int argc, char** argv) {
  try {
    return coffer::cli::run(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fputs("coffer: out of memory: free some, or lower --memory\n", stderr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "coffer: %s\n", error.what());
  }
  return static_cast<int>(coffer::cli::ExitCode::Io);
}
