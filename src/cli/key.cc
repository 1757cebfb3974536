/// coffer key: who can unlock a vault.

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/key_requests.h"
#include "cli/options.h"
#include "cli/status_report.h"

namespace coffer::cli {
namespace {

constexpr const char* kFooter =
    R"(Each of up to 32 key slots opens the vault by itself: by a passphrase, a key file or a recovery key.
add and remove need one that opens it now, also while it is mounted; a new passphrase is asked for
twice unless one of the --new options is given. --new-recovery-key prints a generated key, once.

remove does not undo what its holder may have copied before: who kept the old key slots can still
read the vault with them. 'rotate', which ends that, is not supported in this version.

Examples:
  coffer key list /disk1/vault
  coffer key add ~/safe                                     asks for the old one, then for a new one
  coffer key add ~/safe --passfile old --new-recovery-key   for the safe, on paper
  coffer key add /disk1/vault --recovery-key                the passphrase is lost
  coffer key remove ~/safe --slot 1)";

struct KeyCommand {
  std::string action, place, kdf_cost = "moderate";
  CredentialSource added;
  bool new_recovery_key = false, yes = false, json = false;
  int slot = -1;
  VaultOptions vault;
};

std::string made_on(std::int64_t unix_s) {
  std::tm parts{};
  const auto seconds = static_cast<std::time_t>(unix_s);
  std::array<char, 32> text{};
  if (::localtime_r(&seconds, &parts) == nullptr ||
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &parts) == 0)
    return "?";
  return text.data();
}

std::string slot_text(const nlohmann::json& slot) {
  std::array<char, 160> line{};
  std::snprintf(line.data(), line.size(),
                "slot %2d  %-12s  made %s  a guess costs %s and %u passes", slot.value("slot", 0),
                slot.value("kind", "").c_str(),
                made_on(slot.value("created", std::int64_t{0})).c_str(),
                human_bytes(slot.at("kdf").value("memory_bytes", std::uint64_t{0})).c_str(),
                slot.at("kdf").value("operations", 0U));
  return line.data();
}

Result<nlohmann::json> list_slots(const KeyCommand& command) {
  if (auto daemon = ControlClient::find(command.place, command.vault.more_volumes))
    return daemon->ask({{"do", "key-list"}});
  COFFER_ASSIGN(const auto slots,
                Vault::peek_key_slots(absolute_path(command.place), command.vault.more_volumes));
  return slots_json(slots);
}

Result<ExitCode> list(const KeyCommand& command) {
  COFFER_ASSIGN(const nlohmann::json slots, list_slots(command));
  if (command.json) std::printf("%s\n", slots.dump(2).c_str());
  if (command.json) return ExitCode::Ok;
  for (const auto& slot : slots) std::printf("%s\n", slot_text(slot).c_str());
  return ExitCode::Ok;
}

void warn_of_old_copies(const nlohmann::json& answer) {
  for (const auto& path : answer.value("old_copies", nlohmann::json::array()))
    std::fprintf(stderr,
                 "coffer key: warning: %s still holds the key slots of before; they are replaced "
                 "when it is there and the vault is opened\n",
                 path.get<std::string>().c_str());
}

Result<Credential> new_credential(const KeyCommand& command) {
  if (command.new_recovery_key) return make_recovery_key();
  return read_credential(command.added, Ask::New);
}

Result<ExitCode> add(const KeyCommand& command) {
  COFFER_TRY(parse_kdf_cost(command.kdf_cost));
  COFFER_ASSIGN(const Credential proof, read_credential(command.vault.credential, Ask::Once));
  COFFER_ASSIGN(const Credential added, new_credential(command));
  COFFER_ASSIGN(nlohmann::json answer,
                change_keys(command.place, command.vault,
                            {{"do", "key-add"}, {"cost", command.kdf_cost}}, proof, &added));
  warn_of_old_copies(answer);
  const std::string printed(command.new_recovery_key ? added.secret.view() : std::string_view());
  if (command.json) {
    if (command.new_recovery_key) answer["recovery_key"] = printed;
    std::printf("%s\n", answer.dump(2).c_str());
    return ExitCode::Ok;
  }
  std::printf("added: %s\n", slot_text(answer.at("slot")).c_str());
  if (command.new_recovery_key) {
    std::printf("recovery key: %s\n", printed.c_str());
    std::fputs(
        "It is shown this once. It opens the vault like a passphrase: write it down and keep it "
        "apart.\n",
        stderr);
  }
  return ExitCode::Ok;
}

Result<bool> is_wanted(const KeyCommand& command) {
  if (command.yes) return true;
  COFFER_ASSIGN(const nlohmann::json slots, list_slots(command));
  for (const auto& slot : slots) {
    if (slot.value("slot", -1) != command.slot) continue;
    return confirm(
        slot_text(slot) + "\nWho has only this one cannot open the vault any more. Remove it?",
        "give --yes to remove without one");
  }
  return fail(Errc::NotFound, "there is no key slot " + std::to_string(command.slot));
}

Result<ExitCode> remove(const KeyCommand& command) {
  if (command.slot < 0)
    return fail(Errc::InvalidArgument, "which one: --slot N, as 'coffer key list' shows");
  COFFER_ASSIGN(const bool wanted, is_wanted(command));
  if (!wanted) return fail(Errc::Cancelled, "nothing was removed");
  COFFER_ASSIGN(const Credential proof, read_credential(command.vault.credential, Ask::Once));
  COFFER_ASSIGN(const nlohmann::json answer,
                change_keys(command.place, command.vault,
                            {{"do", "key-remove"}, {"slot", command.slot}}, proof, nullptr));
  warn_of_old_copies(answer);
  if (command.json)
    std::printf("%s\n", answer.dump(2).c_str());
  else
    std::printf("removed: %s\n", slot_text(answer.at("slot")).c_str());
  return ExitCode::Ok;
}

Result<ExitCode> run(const KeyCommand& command) {
  if (command.action == "list") return list(command);
  if (command.action == "add") return add(command);
  if (command.action == "remove") return remove(command);
  return fail(Errc::NotSupported, "not supported in this version");
}

void add_new_key_options(CLI::App& key, KeyCommand& command) {
  constexpr const char* kGroup = "The new key (without one of these the terminal is asked)";
  auto* passfile = key.add_option("--new-passfile", command.added.passfile,
                                  "the new passphrase is the first line of FILE")
                       ->type_name("FILE");
  auto* passcommand = key.add_option("--new-passcommand", command.added.passcommand,
                                     "the new passphrase is the first line that COMMAND prints")
                          ->type_name("COMMAND");
  auto* keyfile = key.add_option("--new-keyfile", command.added.keyfile,
                                 "the whole content of FILE is the new key")
                      ->type_name("FILE");
  auto* recovery = key.add_flag("--new-recovery-key", command.new_recovery_key,
                                "make a recovery key and print it");
  for (CLI::Option* option : {passfile, passcommand, keyfile}) option->take_last();
  const std::array all{passfile, passcommand, keyfile, recovery};
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i]->group(kGroup);
    for (std::size_t j = i + 1; j < all.size(); ++j) all[i]->excludes(all[j]);
  }
  add_kdf_cost_option(key, command.kdf_cost);
}

}  // namespace

void add_key(CLI::App& app, Command& chosen) {
  auto command = std::make_shared<KeyCommand>();
  CLI::App* key =
      app.add_subcommand("key", "Add, list and remove passphrases, key files, recovery keys");
  key->footer(kFooter);
  key->add_option("ACTION", command->action, "add, list, remove or rotate")
      ->required()
      ->check(CLI::IsMember({"add", "list", "remove", "rotate"}));
  key->add_option("VOLUME", command->place, "a volume or a mountpoint")->required();
  add_new_key_options(*key, *command);
  key->add_option("--slot", command->slot, "remove: which one")
      ->type_name("N")
      ->check(CLI::Range(0, 31))
      ->take_last();
  key->add_flag("--yes", command->yes, "remove: without a question");
  key->add_flag("--json", command->json, "for programs");
  add_vault_options(*key, command->vault);
  add_config_option(*key);
  key->callback([command, &chosen] {
    chosen = {"key " + command->action, command->place, [command] { return run(*command); }};
  });
}

}  // namespace coffer::cli
