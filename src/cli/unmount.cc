/// coffer unmount: ends the daemon of a mount, and returns when the vault's lock is released.

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/mount_table.h"
#include "cli/options.h"
#include "coffer/fuse/mount.h"

namespace coffer::cli {
namespace {

constexpr const char* kFooter =
    R"(Everything is written and synced, the vault is closed and its lock released when this returns.
A mount that a program still uses is left as it is, with exit code 4. Given a VOLUME, the daemon that
serves its vault is ended ('coffer serve' has no mountpoint).

Examples:
  coffer unmount ~/safe
  coffer unmount /disk1/vault)";

Result<ExitCode> run(const std::string& place) {
  const std::string path = canonical_place(place);
  if (auto daemon = ControlClient::find(path)) {
    COFFER_TRY(daemon->ask({{"do", "stop"}}));
    daemon->wait_closed();
    return ExitCode::Ok;
  }
  // No daemon answers: it died, or it is one of another user.
  if (!is_coffer_mount(path)) return fail(Errc::InvalidArgument, path + " is not a mounted vault");
  COFFER_TRY(fuse::unmount_path(path));
  return ExitCode::Ok;
}

}  // namespace

void add_unmount(CLI::App& app, Command& chosen) {
  auto place = std::make_shared<std::string>();
  CLI::App* unmount = app.add_subcommand("unmount", "Unmount a vault and close it");
  unmount->alias("umount");
  unmount->footer(kFooter);
  unmount->add_option("MOUNTPOINT", *place, "where it is mounted, or a volume")->required();
  unmount->callback([place, &chosen] {
    chosen = {"unmount", *place, [place] { return run(*place); }};
  });
}

}  // namespace coffer::cli
