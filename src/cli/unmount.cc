/// coffer unmount: ends the daemon of a mount, and returns when the vault's lock is released.

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/options.h"
#include "coffer/fuse/mount.h"
#include "coffer/fuse/mount_table.h"

namespace coffer::cli {
namespace {

constexpr const char* kFooter =
    R"(Everything is written and synced, the vault is closed and its lock released when this returns.
A mount that a program still uses is left as it is, with exit code 4. Given a VOLUME, the daemon that
serves its vault is ended ('coffer serve' has no mountpoint). With --lazy the mount leaves the directory
tree at once, and the daemon ends by itself when the last file that is open is closed.

Examples:
  coffer unmount ~/safe
  coffer unmount /disk1/vault)";

struct UnmountCommand {
  std::string place;
  bool lazy = false;
};

Result<ExitCode> unmount_by_path(const std::string& path, fuse::Unmount how) {
  if (!fuse::is_coffer_mount(path))
    return fail(Errc::InvalidArgument, path + " is not a mounted vault");
  COFFER_TRY(fuse::unmount_path(path, how));
  return ExitCode::Ok;
}

Result<ExitCode> run(const UnmountCommand& command) {
  const std::string path = canonical_place(command.place);
  if (command.lazy) return unmount_by_path(path, fuse::Unmount::Lazily);
  if (auto daemon = ControlClient::find(path)) {
    COFFER_TRY(daemon->ask({{"do", "stop"}}));
    daemon->wait_closed();
    return ExitCode::Ok;
  }
  // No daemon answers: it died, or it is one of another user.
  return unmount_by_path(path, fuse::Unmount::WhenUnused);
}

}  // namespace

void add_unmount(CLI::App& app, Command& chosen) {
  auto command = std::make_shared<UnmountCommand>();
  CLI::App* unmount = app.add_subcommand("unmount", "Unmount a vault and close it");
  unmount->alias("umount");
  unmount->footer(kFooter);
  unmount->add_option("MOUNTPOINT", command->place, "where it is mounted, or a volume")->required();
  unmount->add_flag("--lazy,-l", command->lazy, "also when it is in use");
  unmount->callback([command, &chosen] {
    chosen = {"unmount", command->place, [command] { return run(*command); }};
  });
}

}  // namespace coffer::cli
