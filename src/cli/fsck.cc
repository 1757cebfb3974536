/// coffer fsck: checks metadata against itself and against the data.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/status_report.h"
#include "cli/vault_requests.h"

namespace coffer::cli {
namespace {

constexpr const char* kFooter =
    R"(Works on an open vault through its daemon, and on a closed one by opening it. Problems are printed
one per line, by inode number ('find MOUNTPOINT -inum N' gives the name). Exit code 6: problems.

Examples:
  coffer fsck ~/safe
  coffer fsck /disk1/vault --verify-data        also read and authenticate every byte
  coffer fsck /disk1/vault --json)";

struct FsckCommand {
  std::string place;
  bool json = false, verify_data = false;
  VaultOptions vault;
};

Result<ExitCode> run(const FsckCommand& command) {
  nlohmann::json report;
  {
    Progress progress("fsck", command.verify_data ? Progress::Unit::Bytes : Progress::Unit::Things);
    COFFER_ASSIGN(report, ask_vault(command.place, command.vault, Access::ReadWrite,
                                    {{"do", "fsck"}, {"verify_data", command.verify_data}},
                                    [&](std::uint64_t done, std::uint64_t total) {
                                      progress.update(done, total);
                                      return true;
                                    }));
  }
  std::fputs(command.json ? (report.dump(2) + "\n").c_str() : fsck_text(report).c_str(), stdout);
  return report.value("clean", false) ? ExitCode::Ok : ExitCode::FoundDamage;
}

}  // namespace

void add_fsck(CLI::App& app, Command& chosen) {
  auto command = std::make_shared<FsckCommand>();
  CLI::App* fsck = app.add_subcommand("fsck", "Check a vault");
  fsck->footer(kFooter);
  fsck->add_option("VOLUME", command->place, "a volume or a mountpoint")->required();
  fsck->add_flag("--verify-data", command->verify_data, "also read and authenticate all data");
  fsck->add_flag("--json", command->json, "for programs");
  add_vault_options(*fsck, command->vault);
  add_config_option(*fsck);
  fsck->callback([command, &chosen] {
    chosen = {"fsck", command->place, [command] { return run(*command); }};
  });
}

}  // namespace coffer::cli
