/// coffer serve: vaults over S3, without a mount.

#include <CLI/CLI.hpp>
#include <memory>
#include <utility>

#include "cli/command.h"
#include "cli/doors_options.h"

namespace coffer::cli {
namespace {

constexpr const char* kFooter =
    R"(Runs until it gets SIGTERM or SIGINT, or 'coffer unmount VOLUME', then lets requests under way
finish and closes the vault. One VOLUME names each vault; several vaults need one --s3 each, in the
same order, and are unlocked by the same passphrase or key.

Make the access key that clients use with 'coffer s3-key add VOLUME'.

Examples:
  coffer serve /disk1/vault --s3 127.0.0.1:9000 --passfile ~/.pass
  coffer serve /disk1/vault --s3 0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem --admin 127.0.0.1:9100
  coffer serve /d1/photos /d1/mail --s3 127.0.0.1:9000 --s3 127.0.0.1:9001 --background)";

struct ServeCommand {
  std::vector<std::string> volumes;
  bool background = false, foreground = false, read_only = false;
  VaultOptions vault;
  DaemonOptions daemon;
  GatewayChoice gateway;
};

Result<ExitCode> run(const ServeCommand& command) {
  if (command.gateway.listen.size() != command.volumes.size())
    return fail(Errc::InvalidArgument, "each vault needs one --s3 HOST:PORT");
  std::vector<DaemonPlan> plans;
  for (std::size_t i = 0; i < command.volumes.size(); ++i) {
    DaemonPlan& plan = plans.emplace_back();
    COFFER_ASSIGN(plan.open, open_options(command.vault, command.volumes[i]));
    plan.open.memory_bytes /= command.volumes.size();
    plan.open.read_only = command.read_only;
    COFFER_ASSIGN(plan.doors.gateway, gateway_options(command.gateway, command.vault));
    plan.doors.gateway->listen = command.gateway.listen[i];
    if (i > 0) plan.doors.gateway->admin.clear();  // there is one endpoint to answer it
  }
  return run_daemon(std::move(plans), command.vault.credential, command.daemon,
                    command.background ? Where::Background : Where::Foreground);
}

}  // namespace

void add_serve(CLI::App& app, Command& chosen) {
  auto command = std::make_shared<ServeCommand>();
  CLI::App* serve = app.add_subcommand("serve", "Serve vaults over S3, without a mount");
  serve->footer(kFooter);
  serve->add_option("VOLUME", command->volumes, "one volume of each vault")->required();
  auto* background =
      serve->add_flag("--background", command->background, "return when the gateway answers");
  serve->add_flag("--foreground,-f", command->foreground, "stay in the foreground (the default)")
      ->excludes(background);
  serve->add_flag("--read-only,-r", command->read_only, "take no writes");
  add_vault_options(*serve, command->vault);
  add_gateway_options(*serve, command->gateway);
  add_daemon_options(*serve, command->daemon);
  add_config_option(*serve);
  serve->callback([command, &chosen] {
    chosen = {"serve", command->volumes.size() == 1 ? command->volumes.front() : "",
              [command] { return run(*command); }};
  });
}

}  // namespace coffer::cli
