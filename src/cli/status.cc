/// coffer status: what a vault is, where it is open, and what it could lose.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/status_report.h"
#include "cli/vault_requests.h"

namespace coffer::cli {
namespace {

constexpr const char* kFooter =
    R"(An open vault is asked; a closed one shows its volumes and geometry without a passphrase, and all
the rest with --passfile, --passcommand or --keyfile. 'unprotected' counts what lacks shards now.
Exit code 3: fewer volumes are there than are needed to read.

Examples:
  coffer status ~/safe
  coffer status /disk1/vault --json | jq -r .s3_endpoint)";

struct StatusCommand {
  std::string place;
  bool json = false;
  VaultOptions vault;
};

Result<ExitCode> run(const StatusCommand& command) {
  COFFER_ASSIGN(const nlohmann::json status, ask_status(command.place, command.vault));
  std::fputs(command.json ? (status.dump(2) + "\n").c_str() : status_text(status).c_str(), stdout);
  std::size_t present = 0;
  for (const auto& volume : status.value("volumes", nlohmann::json::array()))
    if (volume.value("state", "") == "current") ++present;
  return present < status.value("data", std::size_t{0}) ? ExitCode::Damaged : ExitCode::Ok;
}

}  // namespace

void add_status(CLI::App& app, Command& chosen) {
  auto command = std::make_shared<StatusCommand>();
  CLI::App* status = app.add_subcommand("status", "Show a vault's volumes, protection and doors");
  status->footer(kFooter);
  status->add_option("VOLUME", command->place, "a volume or a mountpoint")->required();
  status->add_flag("--json", command->json, "for programs");
  add_vault_options(*status, command->vault);
  add_config_option(*status);
  status->callback([command, &chosen] {
    chosen = {"status", command->place, [command] { return run(*command); }};
  });
}

}  // namespace coffer::cli
