/// coffer volume: the volumes of a vault, and one in another one's place.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/status_report.h"
#include "cli/upkeep_report.h"
#include "cli/vault_requests.h"

namespace coffer::cli {
namespace {

constexpr const char* kFooter =
    R"(replace: OLD is the path (or uuid) of a volume as 'coffer volume list' shows it, whether it still works or not;
NEW a directory that is empty or not there, which may have the same path. Works on an open vault, under
its readers and writers, and on a closed one. While OLD still works its shards stay in use until NEW has
them. Interrupted, it is run again with the same words. Afterwards as many others may be lost as the
vault has parity for. Where OLD is gone and the vault is closed, --volume names another of its volumes.

Examples:
  coffer volume list ~/safe
  coffer volume replace /disk2/vault /disk7/vault
  coffer volume replace /disk2/vault /disk7/vault --rate 100M
  coffer volume replace /gone/vault /disk7/vault --volume /disk1/vault)";

struct VolumeCommand {
  std::string action, place, new_place, rate;
  bool json = false;
  VaultOptions vault;
};

Result<ExitCode> list(const VolumeCommand& command) {
  COFFER_ASSIGN(const nlohmann::json status, ask_status(command.place, command.vault));
  const auto volumes = status.value("volumes", nlohmann::json::array());
  std::fputs(command.json ? (volumes.dump(2) + "\n").c_str() : volumes_text(status).c_str(),
             stdout);
  return ExitCode::Ok;
}

/// A volume that tells which vault is meant: OLD if it does, else one that was named beside it.
std::string place_of_vault(const VolumeCommand& command) {
  if (ControlClient::find(command.place, command.vault.more_volumes)) return command.place;
  if (Vault::peek(absolute_path(command.place), {})) return command.place;
  return command.vault.more_volumes.empty() ? command.place : command.vault.more_volumes.front();
}

Result<ExitCode> replace(const VolumeCommand& command) {
  nlohmann::json request{{"do", "volume-replace"},
                         {"old", absolute_path(command.place)},
                         {"new", absolute_path(command.new_place)}};
  if (command.place.find('/') == std::string::npos && command.place.size() == 32)
    request["old"] = command.place;  // a uuid
  if (!command.rate.empty()) {
    COFFER_ASSIGN(const std::uint64_t rate, parse_size(command.rate));
    request["bytes_per_second"] = rate;
  }
  nlohmann::json receipt;
  {
    Progress progress("volume replace", Progress::Unit::Bytes);
    COFFER_ASSIGN(receipt, ask_vault(place_of_vault(command), command.vault, Access::ReadWrite,
                                     request, [&](std::uint64_t done, std::uint64_t total) {
                                       progress.update(done, total);
                                       return true;
                                     }));
  }
  std::fputs(command.json ? (receipt.dump(2) + "\n").c_str() : receipt_text(receipt).c_str(),
             stdout);
  return receipt.value("whole", false) ? ExitCode::Ok : ExitCode::FoundDamage;
}

Result<ExitCode> run(const VolumeCommand& command) {
  if (command.action == "list") {
    if (!command.new_place.empty())
      return fail(Errc::InvalidArgument, "one volume or mountpoint is enough");
    return list(command);
  }
  if (command.action != "replace") return fail(Errc::NotSupported, "not supported in this version");
  if (command.new_place.empty())
    return fail(Errc::InvalidArgument, "by what: coffer volume replace OLD NEW");
  return replace(command);
}

}  // namespace

void add_volume(CLI::App& app, Command& chosen) {
  auto command = std::make_shared<VolumeCommand>();
  CLI::App* volume = app.add_subcommand("volume", "List and replace the volumes of a vault");
  volume->footer(kFooter);
  volume
      ->add_option("ACTION", command->action, "list or replace (add, remove: not in this version)")
      ->required()
      ->check(CLI::IsMember({"list", "replace", "add", "remove"}));
  volume->add_option("VOLUME", command->place, "list: a volume or a mountpoint; replace: OLD")
      ->required();
  volume->add_option("NEW", command->new_place, "replace: an empty directory on another disk");
  volume->add_flag("--json", command->json, "for programs");
  volume
      ->add_option("--rate", command->rate,
                   "read and write at most this much a second, for instance 50M")
      ->type_name("SIZE")
      ->take_last();
  add_vault_options(*volume, command->vault);
  add_config_option(*volume);
  volume->callback([command, &chosen] {
    chosen = {"volume " + command->action, command->place, [command] { return run(*command); }};
  });
}

}  // namespace coffer::cli
