#include "cli/options.h"

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

namespace coffer::cli {
namespace {
constexpr const char* kUnlocking = "Unlocking (without one of these the terminal is asked)";
}  // namespace

namespace {

/// Shard and metadata files of large vaults, and S3 connections; below what the kernel allows by default (fs.nr_open).
constexpr rlim_t kOpenFilesWanted = 524'288;

}  // namespace

void add_credential_options(CLI::App& command, CredentialSource& source) {
  auto* passfile =
      command.add_option("--passfile", source.passfile, "the passphrase is the first line of FILE")
          ->type_name("FILE");
  auto* passcommand =
      command
          .add_option("--passcommand", source.passcommand,
                      "the passphrase is the first line that COMMAND prints (sh -c)")
          ->type_name("COMMAND");
  auto* keyfile =
      command.add_option("--keyfile", source.keyfile, "the whole content of FILE is the key")
          ->type_name("FILE");
  for (CLI::Option* option : {passfile, passcommand, keyfile})
    option->group(kUnlocking)->take_last();
  passfile->excludes(passcommand)->excludes(keyfile);
  passcommand->excludes(keyfile);
}

void add_recovery_key_options(CLI::App& command, CredentialSource& source) {
  auto* file = command
                   .add_option("--recovery-key-file", source.recovery_key_file,
                               "the recovery key is the first line of FILE")
                   ->type_name("FILE")
                   ->take_last();
  auto* ask = command.add_flag("--recovery-key", source.recovery_key,
                               "ask the terminal for the recovery key, not for the passphrase");
  file->group(kUnlocking)->excludes(ask);
  ask->group(kUnlocking);
  for (const char* other : {"--passfile", "--passcommand", "--keyfile"}) {
    file->excludes(command.get_option(other));
    ask->excludes(command.get_option(other));
  }
}

void add_vault_options(CLI::App& command, VaultOptions& options) {
  add_credential_options(command, options.credential);
  add_recovery_key_options(command, options.credential);
  command
      .add_option("--volume", options.more_volumes,
                  "where a volume is now that was moved; may be repeated")
      ->type_name("PATH")
      ->allow_extra_args(false);
  command
      .add_option("--memory", options.memory,
                  "bound of all caches and buffers together, for instance 512M (default: a quarter "
                  "of the machine, at most 1G)")
      ->type_name("SIZE")
      ->take_last();
  command.add_option("--workers", options.workers, "worker threads (default: by the cores)")
      ->type_name("N")
      ->take_last()
      ->check(CLI::Range(1, 1024));
  command
      .add_option("--profile", options.profile,
                  "standard, throughput, low-memory or large-files: sets memory and workers")
      ->type_name("NAME")
      ->take_last();
  // Where the record against rollback is kept; tests keep theirs apart.
  command.add_option("--state-directory", options.state_directory)->group("")->take_last();
}

void add_kdf_cost_option(CLI::App& command, std::string& word) {
  command
      .add_option("--kdf-cost", word,
                  "what each guess at the passphrase costs: moderate (default), interactive, or "
                  "minimum, which is for tests and for keys that are random by themselves")
      ->type_name("COST")
      ->take_last();
}

Result<KdfCost> parse_kdf_cost(const std::string& word) {
  if (word == "minimum") return kKdfCostMinimum;
  if (word == "interactive") return kKdfCostInteractive;
  if (word == "moderate") return kKdfCostModerate;
  return fail(Errc::InvalidArgument, "--kdf-cost is minimum, interactive or moderate");
}

void add_daemon_options(CLI::App& command, DaemonOptions& options) {
  command
      .add_option("--log-file", options.log_file,
                  "append the log to FILE (default: the terminal in the foreground, else none)")
      ->type_name("FILE")
      ->take_last();
  command.add_option("--log-level", options.log_level, "debug, info, warning, error or off")
      ->type_name("LEVEL")
      ->take_last();
}

void add_config_option(CLI::App& command) {
  command
      .add_option("--config",
                  "read options from a TOML file: passfile = \"/etc/coffer/pass\"; a [mount] "
                  "section is for that command alone; the command line goes before")
      ->type_name("FILE")
      ->expected(1)
      ->take_last();
}

Result<MemoryBudget> memory_budget(const VaultOptions& options) {
  COFFER_ASSIGN(const MemoryProfile profile, parse_memory_profile(options.profile));
  std::uint64_t bytes = default_memory_bytes(profile);
  if (!options.memory.empty()) {
    COFFER_ASSIGN(bytes, parse_size(options.memory));
  }
  return MemoryBudget::split(bytes, profile);
}

Result<OpenOptions> open_options(const VaultOptions& options, const std::string& volume) {
  COFFER_ASSIGN(const MemoryBudget budget, memory_budget(options));
  OpenOptions open;
  open.volume = absolute_path(volume);
  for (const std::string& path : options.more_volumes)
    open.more_volumes.push_back(absolute_path(path));
  open.memory_bytes = budget.total_bytes;
  COFFER_ASSIGN(const MemoryProfile profile, parse_memory_profile(options.profile));
  open.workers =
      options.workers != 0 ? options.workers : static_cast<unsigned>(default_workers(profile));
  if (!options.state_directory.empty())
    open.state_directory = absolute_path(options.state_directory);
  return open;
}

std::string absolute_path(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error) return path;
  std::string text = absolute.lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

std::string canonical_place(const std::string& path) {
  const std::filesystem::path absolute = absolute_path(path);
  std::error_code error;
  const auto whole = std::filesystem::canonical(absolute, error);
  if (!error) return whole.string();
  const auto parent = std::filesystem::canonical(absolute.parent_path(), error);
  return error ? absolute.string() : (parent / absolute.filename()).string();
}

void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  // Root may go beyond what it was given; in a container even root may not.
  const rlimit wanted{std::max(limit.rlim_max, kOpenFilesWanted),
                      std::max(limit.rlim_max, kOpenFilesWanted)};
  if (::setrlimit(RLIMIT_NOFILE, &wanted) == 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace coffer::cli
