#include "cli/doors_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "cli/control_client.h"
#include "coffer/core/log.h"
#include "coffer/fuse/mount_table.h"
#include "coffer/vault/harden_process.h"

namespace coffer::cli {
namespace {

constexpr std::uint64_t kGatewayBytesMin = std::uint64_t{32} << 20;
constexpr std::uint64_t kGatewayBytesMax = std::uint64_t{192} << 20;

Result<void> open_log(const DaemonOptions& daemon, Where where) {
  COFFER_ASSIGN(LogLevel level, parse_log_level(daemon.log_level));
  LogOptions log{level, daemon.log_file.empty() ? "" : absolute_path(daemon.log_file)};
  // Behind a terminal that is about to be let go, only what the person should know.
  if (log.file.empty() && where == Where::Background)
    log.level = std::max(level, LogLevel::Warning);
  return log_open(log);
}

Result<ExitCode> serve_until_stopped(std::vector<DaemonPlan>& plans, const Credential& credential,
                                     const Ready& ready) {
  StopSignal stop;
  std::vector<std::unique_ptr<VaultDaemon>> daemons;
  std::string greeting;
  for (DaemonPlan& plan : plans) {
    auto daemon = VaultDaemon::start(plan.open, credential, std::move(plan.doors), stop);
    if (!daemon && plans.size() > 1) return fail_in(plan.open.volume, std::move(daemon).error());
    if (!daemon) return fail(std::move(daemon).error());
    greeting += (*daemon)->greeting();
    daemons.push_back(std::move(*daemon));
  }
  ready(greeting);
  stop.wait();
  Result<void> outcome;
  for (const auto& daemon : daemons)
    if (auto closed = daemon->close(); !closed && outcome) outcome = closed;
  COFFER_TRY(outcome);
  return ExitCode::Ok;
}

/// umount(2) returns before the daemon knows that its mount is gone.
bool is_ending(const nlohmann::json& hello) {
  if (hello.value("closing", false)) return true;
  const std::string device = hello.value("mount_device", "");
  const auto mounted = fuse::mounts();
  return !device.empty() && std::ranges::none_of(mounted, [&](const fuse::MountEntry& entry) {
    return entry.device == device;
  });
}

/// Said before anybody is asked for a passphrase. The vault's lock decides; this knows who has it.
Result<void> check_not_open(const OpenOptions& open) {
  auto daemon = ControlClient::find(open.volume, open.more_volumes);
  if (!daemon) return {};
  const auto hello = daemon->ask({{"do", "hello"}});
  if (!hello) return {};
  if (is_ending(*hello)) {
    daemon->wait_closed();
    return {};
  }
  std::string who = "process " + std::to_string(hello->value("pid", 0));
  if (hello->contains("mountpoint")) who += ", mounted on " + hello->value("mountpoint", "");
  return fail(Errc::Busy, open.volume + ": its vault is open already, by " + who);
}

}  // namespace

void add_gateway_options(CLI::App& command, GatewayChoice& choice) {
  constexpr const char* kGroup = "S3 gateway";
  command
      .add_option("--s3", choice.listen,
                  "serve S3 at HOST:PORT; port 0 takes a free one, which is printed")
      ->type_name("HOST:PORT")
      ->allow_extra_args(false)
      ->group(kGroup);
  command.add_option("--admin", choice.admin, "serve /metrics, /healthz and /readyz at HOST:PORT")
      ->type_name("HOST:PORT")
      ->take_last()
      ->group(kGroup);
  auto* certificate =
      command.add_option("--tls-cert", choice.tls_certificate, "PEM certificate chain");
  auto* key = command.add_option("--tls-key", choice.tls_key, "its PEM key");
  for (CLI::Option* option : {certificate, key})
    option->type_name("FILE")->take_last()->group(kGroup);
  certificate->needs(key);
  key->needs(certificate);
  command.add_option("--region", choice.region, "the region that clients are told (us-east-1)")
      ->type_name("NAME")
      ->take_last()
      ->group(kGroup);
  command
      .add_option("--s3-lifecycle-debug-day", choice.lifecycle_debug_day_s,
                  "for tests: lifecycle rules take SECONDS for a day")
      ->type_name("SECONDS")
      ->take_last()
      ->check(CLI::Range(1, 86'400))
      ->group(kGroup);
  command
      .add_option("--domain", choice.domains,
                  "clients may name buckets as BUCKET.DOMAIN; may be repeated")
      ->type_name("DOMAIN")
      ->allow_extra_args(false)
      ->group(kGroup);
}

Result<GatewayOptions> gateway_options(const GatewayChoice& choice, const VaultOptions& vault) {
  COFFER_ASSIGN(const MemoryBudget budget, memory_budget(vault));
  GatewayOptions options;
  options.admin = choice.admin;
  if (!choice.tls_certificate.empty()) {
    options.tls_certificate = absolute_path(choice.tls_certificate);
    options.tls_key = absolute_path(choice.tls_key);
  }
  options.region = choice.region;
  options.domains = choice.domains;
  options.lifecycle_day = std::chrono::seconds(choice.lifecycle_debug_day_s);
  options.workers = vault.workers;
  options.buffer_bytes = std::clamp(budget.buffer_bytes, kGatewayBytesMin, kGatewayBytesMax);
  return options;
}

Result<ExitCode> run_daemon(std::vector<DaemonPlan> plans, const CredentialSource& source,
                            const DaemonOptions& daemon, Where where) {
  for (const DaemonPlan& plan : plans) {
    COFFER_TRY(check_not_open(plan.open));
    COFFER_TRY(Vault::check_present(plan.open.volume, plan.open.more_volumes));
  }
  COFFER_ASSIGN(Credential credential, read_credential(source, Ask::Once));
  const DaemonBody body = [&](const Ready& ready) -> Result<ExitCode> {
    // Memory locks are not inherited by a child: the secret moves to pages of this process's own.
    const Credential own{credential.kind, SecretString(credential.secret.view())};
    credential.secret = SecretString();
    raise_file_limit();
    COFFER_TRY(open_log(daemon, where));
    return serve_until_stopped(plans, own, ready);
  };
  return where == Where::Foreground ? run_in_foreground(body) : run_in_background(body);
}

}  // namespace coffer::cli
