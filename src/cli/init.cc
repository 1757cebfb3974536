/// coffer init: makes a vault on empty directories.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/passphrase.h"
#include "coffer/vault/vault.h"

namespace coffer::cli {
namespace {

constexpr const char* kFooter =
    R"(Each VOLUME is a directory on a disk of its own; it is made if it is absent and must be empty.
Without --data and --parity: 1 volume 1+0, 2 volumes 1+1, 3 2+1, 4 2+2, 5 3+2, more (N-2)+2.
K+M means: files are cut into K parts, M parity parts are added, and any M volumes may be lost.

There is no way back to the data without the passphrase or key file.

Examples:
  coffer init ~/vault                                        one directory, no redundancy
  coffer init /disk{1,2,3,4,5,6}/vault                       4+2: any two disks may fail
  coffer init --data 2 --parity 1 --passfile pass /d1 /d2 /d3
  coffer init --cipher xchacha20-poly1305 ~/vault            for a CPU without AES instructions)";

struct InitCommand {
  std::vector<std::string> volumes;
  int data = 0;
  std::optional<int> parity;
  std::string cipher, kdf_cost = "moderate";
  CredentialSource credential;
};

Result<ExitCode> run(const InitCommand& command) {
  if ((command.data > 0) != command.parity.has_value())
    return fail(Errc::InvalidArgument, "--data and --parity go together");
  if (command.data + command.parity.value_or(0) > 32)
    return fail(Errc::InvalidArgument, "--data and --parity are together at most 32");
  InitOptions options;
  for (const std::string& volume : command.volumes)
    options.volumes.push_back(absolute_path(volume));
  options.data = static_cast<std::uint8_t>(command.data);
  options.parity = static_cast<std::uint8_t>(command.parity.value_or(0));
  if (!command.cipher.empty()) {
    COFFER_ASSIGN(options.cipher, parse_cipher(command.cipher));
  }
  COFFER_ASSIGN(options.kdf_cost, parse_kdf_cost(command.kdf_cost));
  COFFER_TRY(Vault::check_init(options));
  COFFER_ASSIGN(const Credential credential, read_credential(command.credential, Ask::Twice));
  raise_file_limit();
  COFFER_ASSIGN(const std::vector<std::string> warnings, Vault::init(options, credential));
  for (const std::string& warning : warnings)
    std::fprintf(stderr, "coffer init: warning: %s\n", warning.c_str());
  COFFER_ASSIGN(const VaultStatus made, Vault::peek(options.volumes.front(), options.volumes));
  std::printf("vault %s made: %u+%u, %s, on %zu %s\n", made.uuid.to_string().c_str(), made.data,
              made.parity, made.cipher.c_str(), made.volumes.size(),
              made.volumes.size() == 1 ? "volume" : "volumes");
  return ExitCode::Ok;
}

}  // namespace

void add_init(CLI::App& app, Command& chosen) {
  auto command = std::make_shared<InitCommand>();
  CLI::App* init = app.add_subcommand("init", "Make a vault on empty directories");
  init->footer(kFooter);
  init->add_option("VOLUME", command->volumes, "a directory on each disk")->required();
  init->add_option("--data", command->data, "data parts, 1 to 32")
      ->type_name("K")
      ->check(CLI::Range(1, 32))
      ->take_last();
  init->add_option("--parity", command->parity, "parity parts: how many volumes may be lost")
      ->type_name("M")
      ->check(CLI::Range(0, 31))
      ->take_last();
  init->add_option("--cipher", command->cipher,
                   "aes-256-gcm or xchacha20-poly1305 (default: what this CPU is fast at)")
      ->type_name("NAME")
      ->take_last();
  add_kdf_cost_option(*init, command->kdf_cost);
  add_credential_options(*init, command->credential);
  add_config_option(*init);
  init->callback([command, &chosen] {
    chosen = {"init", command->volumes.size() == 1 ? command->volumes.front() : "",
              [command] { return run(*command); }};
  });
}

}  // namespace coffer::cli
