#pragma once
/// The options of the gateway, which mount and serve share, and the loop of both.

#include <string>
#include <vector>

#include "cli/background.h"
#include "cli/options.h"
#include "cli/vault_daemon.h"
#include "coffer/core/error.h"
#include "coffer/gateway/gateway.h"

namespace coffer::cli {

struct GatewayChoice {
  std::vector<std::string> listen;  // --s3
  std::string admin, tls_certificate, tls_key, region = "us-east-1";
  std::vector<std::string> domains;
  std::uint32_t lifecycle_debug_day_s = 0;
};

void add_gateway_options(CLI::App& command, GatewayChoice& choice);
/// Everything but the address.
Result<GatewayOptions> gateway_options(const GatewayChoice& choice, const VaultOptions& vault);

enum class Where { Foreground, Background };

struct DaemonPlan {
  OpenOptions open;
  Doors doors;
};

/// Reads the credential, opens every vault of the plans with it, says ready, waits for the end and
/// closes them.
Result<ExitCode> run_daemon(std::vector<DaemonPlan> plans, const CredentialSource& credential,
                            const DaemonOptions& daemon, Where where);

}  // namespace coffer::cli
