#pragma once
/// The options that several commands share, under the same words everywhere.

#include <string>
#include <vector>

#include "cli/passphrase.h"
#include "coffer/core/error.h"
#include "coffer/core/memory_budget.h"
#include "coffer/vault/vault.h"

namespace CLI {
class App;
}

namespace coffer::cli {

struct VaultOptions {
  CredentialSource credential;
  std::vector<std::string> more_volumes;
  std::string memory, profile = "standard", state_directory;
  unsigned workers = 0;
};

struct DaemonOptions {
  std::string log_file, log_level = "info";
};

/// --passfile, --passcommand, --keyfile
void add_credential_options(CLI::App& command, CredentialSource& source);
/// --recovery-key-file, --recovery-key: beside those, where a vault is opened
void add_recovery_key_options(CLI::App& command, CredentialSource& source);
/// All of those, and --volume, --memory, --profile, --workers, --state-directory
void add_vault_options(CLI::App& command, VaultOptions& options);
/// --kdf-cost
void add_kdf_cost_option(CLI::App& command, std::string& word);
Result<KdfCost> parse_kdf_cost(const std::string& word);
/// --log-file, --log-level
void add_daemon_options(CLI::App& command, DaemonOptions& options);
/// --config; its content was put into the arguments before they were parsed (config_file.h).
void add_config_option(CLI::App& command);

/// InvalidArgument: a size or profile that cannot be read.
Result<MemoryBudget> memory_budget(const VaultOptions& options);
Result<OpenOptions> open_options(const VaultOptions& options, const std::string& volume);

/// Against the directory that the command was started in; the path need not exist.
std::string absolute_path(const std::string& path);

/// The same with symbolic links resolved, also for a mountpoint whose daemon is gone.
std::string canonical_place(const std::string& path);

/// As many open files as the system lets this process have: a vault keeps many.
void raise_file_limit();

}  // namespace coffer::cli
