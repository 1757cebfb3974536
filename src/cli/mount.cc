/// coffer mount: a vault as a directory, and over S3 as well if asked.

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/doors_options.h"
#include "cli/mount_place.h"
#include "coffer/fuse/mount_table.h"

namespace coffer::cli {
namespace {

constexpr const char* kFooter =
    R"(VOLUME is any one of the vault's volumes; the others are found by it. The command returns when the
mount answers; the vault stays open in the background until 'coffer unmount MOUNTPOINT'.

MOUNTPOINT is an empty directory where nothing is mounted; -o nonempty takes one with files in it,
which are hidden until the unmount.

-o takes the words of mount(8): ro, allow_other, nosuid, suid, nodev, dev, noexec, noatime, remount, and
passfile=F, passcommand=C, keyfile=F, volume=PATH, s3=HOST:PORT, so that /etc/fstab can say:
  /disk1/vault  /srv/safe  fuse.coffer  passfile=/root/pass,allow_other,nofail  0 0

Examples:
  coffer mount /disk1/vault ~/safe
  coffer mount --passfile ~/.pass /disk1/vault ~/safe --s3 127.0.0.1:9000
  coffer mount /disk1/vault ~/safe --volume /new/place/of/disk2    a volume was moved
  coffer mount --read-only --foreground /disk1/vault ~/safe)";

struct MountCommand {
  std::string volume, mountpoint;
  bool foreground = false, read_only = false, allow_other = false, over_content = false,
       remount = false;
  std::vector<std::string> words;  // of each -o
  std::string access_word;         // "ro" or "rw", whichever came last in them
  VaultOptions vault;
  DaemonOptions daemon;
  GatewayChoice gateway;
};

/// Commas within double quotes part nothing: volume="/a,b".
std::vector<std::string> split_words(const std::string& list) {
  std::vector<std::string> words(1);
  bool quoted = false;
  for (const char c : list) {
    if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      words.emplace_back();
    else
      words.back() += c;
  }
  return words;
}

/// True: it was one of our own words.
bool take_word(MountCommand& command, const std::string& key, const std::string& value) {
  if (key == "passfile")
    command.vault.credential.passfile = value;
  else if (key == "passcommand")
    command.vault.credential.passcommand = value;
  else if (key == "keyfile")
    command.vault.credential.keyfile = value;
  else if (key == "volume")
    command.vault.more_volumes.push_back(value);
  else if (key == "s3")
    command.gateway.listen = {value};
  else if (key == "nonempty")
    command.over_content = true;
  else
    return false;
  return true;
}

/// Takes our own words out of -o; the rest is the mount's.
std::string take_words(MountCommand& command) {
  std::string rest;
  for (const std::string& list : command.words) {
    for (const std::string& word : split_words(list)) {
      const std::size_t equals = word.find('=');
      const std::string key = word.substr(0, equals);
      const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
      if (take_word(command, key, value)) continue;
      if (key == "ro" || key == "rw") command.access_word = key;
      if (key == "remount") command.remount = true;
      rest += (rest.empty() ? "" : ",") + word;
    }
  }
  return rest;
}

/// mount -o remount,ro and remount,rw: of the mount alone, the vault stays as it was opened.
Result<ExitCode> remount(const MountCommand& command, const std::string& words) {
  const std::string path = canonical_place(command.mountpoint);
  if (!fuse::is_coffer_mount(path))
    return fail(Errc::InvalidArgument, path + " is not a mounted vault");
  if (auto daemon = command.access_word == "rw" ? ControlClient::find(path) : std::nullopt) {
    COFFER_ASSIGN(const nlohmann::json status, daemon->ask({{"do", "status"}}));
    if (status.value("read_only", false))
      return fail(Errc::ReadOnly,
                  path + ": its vault takes no writes: unmount it, and mount it again");
  }
  COFFER_TRY(fuse::remount_path(path, words));
  return ExitCode::Ok;
}

Result<ExitCode> run(MountCommand& command) {
  DaemonPlan plan;
  fuse::MountOptions mount;
  mount.extra = take_words(command);
  if (command.remount) return remount(command, mount.extra);
  if (command.access_word == "ro") command.read_only = true;
  mount.mountpoint = canonical_place(command.mountpoint);
  mount.source = canonical_place(command.volume);
  mount.read_only = command.read_only;
  mount.allow_other = command.allow_other;
  mount.workers = command.vault.workers;
  COFFER_TRY(
      check_mount_place(mount.mountpoint, command.over_content ? Content::Hidden : Content::Kept));
  COFFER_TRY(fuse::check_mountable(mount));
  plan.doors.mount = std::move(mount);
  COFFER_ASSIGN(plan.open, open_options(command.vault, command.volume));
  plan.open.read_only = command.read_only;
  if (command.gateway.listen.size() > 1) return fail(Errc::InvalidArgument, "--s3 is given twice");
  if (!command.gateway.listen.empty()) {
    COFFER_ASSIGN(plan.doors.gateway, gateway_options(command.gateway, command.vault));
    plan.doors.gateway->listen = command.gateway.listen.front();
  } else if (!command.gateway.admin.empty()) {
    return fail(Errc::InvalidArgument, "--admin goes with --s3");
  }
  std::vector<DaemonPlan> plans;
  plans.push_back(std::move(plan));
  return run_daemon(std::move(plans), command.vault.credential, command.daemon,
                    command.foreground ? Where::Foreground : Where::Background);
}

}  // namespace

void add_mount(CLI::App& app, Command& chosen) {
  auto command = std::make_shared<MountCommand>();
  CLI::App* mount = app.add_subcommand("mount", "Mount a vault as a directory");
  mount->footer(kFooter);
  mount->add_option("VOLUME", command->volume, "any one volume of the vault")->required();
  mount->add_option("MOUNTPOINT", command->mountpoint, "an empty directory")->required();
  mount->add_flag("--foreground,-f", command->foreground, "stay in the foreground, and log there");
  mount->add_flag("--read-only,-r", command->read_only, "take no writes");
  mount->add_flag("--allow-other", command->allow_other, "other users may use the mount as well");
  mount->add_option("-o", command->words, "options of mount(8), comma-separated")
      ->type_name("OPTS")
      ->allow_extra_args(false);
  add_vault_options(*mount, command->vault);
  add_gateway_options(*mount, command->gateway);
  add_daemon_options(*mount, command->daemon);
  add_config_option(*mount);
  mount->callback([command, &chosen] {
    chosen = {"mount", command->volume, [command] { return run(*command); }};
  });
}

}  // namespace coffer::cli
