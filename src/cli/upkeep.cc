/// coffer scrub and coffer heal: every shard read and verified, and made anew where it is missing or bad.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/upkeep_report.h"
#include "cli/vault_requests.h"

namespace coffer::cli {
namespace {

constexpr const char* kScrubFooter =
    R"(Reads every shard on every volume: checksums, parity, and the tag of every chunk. What is missing or
damaged is made anew out of the others. Works on an open vault through its daemon, and on a closed one
by opening it. It may be interrupted at any time and run again. Exit code 6: something is not whole.

Examples:
  coffer scrub ~/safe
  coffer scrub ~/safe --rate 50M              at most 50 MiB a second
  coffer scrub /disk1/vault --no-repair       only look
  coffer scrub /disk1/vault --keyless         without the passphrase, while it is closed
  coffer scrub /disk1/vault --json)";

constexpr const char* kHealFooter =
    R"(What scrub does, and whatever else is protected less than it could be now: bytes that were written
while volumes were away are given the vault's full parity. Exit code 6: something is not whole, for
instance because a volume is still away ('coffer volume replace').

Examples:
  coffer heal ~/safe
  coffer heal /disk1/vault --rate 50M --json)";

struct UpkeepCommand {
  std::string what, place, rate;
  bool json = false, no_repair = false, keyless = false;
  VaultOptions vault;
};

Result<nlohmann::json> ask(const UpkeepCommand& command) {
  std::uint64_t rate = 0;
  if (!command.rate.empty()) {
    COFFER_ASSIGN(rate, parse_size(command.rate));
  }
  Progress progress(command.what, Progress::Unit::Bytes);
  const auto show = [&](std::uint64_t done, std::uint64_t total) {
    progress.update(done, total);
    return true;
  };
  if (command.keyless) {
    if (ControlClient::find(command.place, command.vault.more_volumes))
      return fail(Errc::Busy, "the vault is open: scrub it without --keyless, or unmount it");
    UpkeepOptions options;
    options.bytes_per_second = rate;
    options.progress = show;
    raise_file_limit();
    return Vault::scrub_keyless(absolute_path(command.place), command.vault.more_volumes, options)
        .map(receipt_json);
  }
  return ask_vault(
      command.place, command.vault, command.no_repair ? Access::ReadOnly : Access::ReadWrite,
      {{"do", command.what}, {"repair", !command.no_repair}, {"bytes_per_second", rate}}, show);
}

Result<ExitCode> run(const UpkeepCommand& command) {
  COFFER_ASSIGN(const nlohmann::json receipt, ask(command));
  std::fputs(command.json ? (receipt.dump(2) + "\n").c_str() : receipt_text(receipt).c_str(),
             stdout);
  return receipt.value("whole", false) ? ExitCode::Ok : ExitCode::FoundDamage;
}

CLI::App* add_upkeep(CLI::App& app, Command& chosen, const std::shared_ptr<UpkeepCommand>& command,
                     const char* purpose, const char* footer) {
  CLI::App* added = app.add_subcommand(command->what, purpose);
  added->footer(footer);
  added->add_option("VOLUME", command->place, "a volume or a mountpoint")->required();
  added->add_flag("--json", command->json, "for programs");
  added
      ->add_option("--rate", command->rate,
                   "read and write at most this much a second, for instance 50M")
      ->type_name("SIZE")
      ->take_last();
  add_vault_options(*added, command->vault);
  add_config_option(*added);
  added->callback([command, &chosen] {
    chosen = {command->what, command->place, [command] { return run(*command); }};
  });
  return added;
}

}  // namespace

void add_scrub(CLI::App& app, Command& chosen) {
  auto command = std::make_shared<UpkeepCommand>();
  command->what = "scrub";
  CLI::App* scrub = add_upkeep(app, chosen, command,
                               "Verify all data on all volumes, and repair it", kScrubFooter);
  auto* look = scrub->add_flag("--no-repair", command->no_repair, "only look");
  scrub
      ->add_flag("--keyless", command->keyless,
                 "checksums and parity of a closed vault, without a passphrase; repairs nothing")
      ->excludes(look);
}

void add_heal(CLI::App& app, Command& chosen) {
  auto command = std::make_shared<UpkeepCommand>();
  command->what = "heal";
  add_upkeep(app, chosen, command, "Give everything the protection that it should have",
             kHealFooter);
}

}  // namespace coffer::cli
