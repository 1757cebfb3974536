/// coffer clean: space that overwritten and deleted bytes still hold comes back.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/upkeep_report.h"
#include "cli/vault_requests.h"

namespace coffer::cli {
namespace {

constexpr const char* kFooter =
    R"(What is overwritten or deleted piece by piece leaves holes in segments. This moves what is still in
use together and frees the rest, down to a twentieth of each segment. The daemon does it by itself where
space runs short or much is dead. It may be interrupted at any time and run again.

Examples:
  coffer clean ~/safe
  coffer clean ~/safe --rate 50M              at most 50 MiB a second
  coffer clean /disk1/vault --json)";

struct CleanCommand {
  std::string place, rate;
  bool json = false;
  VaultOptions vault;
};

Result<ExitCode> run(const CleanCommand& command) {
  std::uint64_t rate = 0;
  if (!command.rate.empty()) {
    COFFER_ASSIGN(rate, parse_size(command.rate));
  }
  Progress progress("clean", Progress::Unit::Bytes);
  COFFER_ASSIGN(const nlohmann::json receipt,
                ask_vault(command.place, command.vault, Access::ReadWrite,
                          {{"do", "clean"}, {"bytes_per_second", rate}},
                          [&](std::uint64_t done, std::uint64_t total) {
                            progress.update(done, total);
                            return true;
                          }));
  std::fputs(
      command.json ? (receipt.dump(2) + "\n").c_str() : cleaning_receipt_text(receipt).c_str(),
      stdout);
  return receipt.value("unmoved", nlohmann::json::array()).empty() ? ExitCode::Ok
                                                                   : ExitCode::FoundDamage;
}

}  // namespace

void add_clean(CLI::App& app, Command& chosen) {
  auto command = std::make_shared<CleanCommand>();
  CLI::App* clean =
      app.add_subcommand("clean", "Free the space of what was overwritten or deleted");
  clean->footer(kFooter);
  clean->add_option("VOLUME", command->place, "a volume or a mountpoint")->required();
  clean->add_flag("--json", command->json, "for programs");
  clean->add_option("--rate", command->rate, "copy at most this much a second, for instance 50M")
      ->type_name("SIZE")
      ->take_last();
  add_vault_options(*clean, command->vault);
  add_config_option(*clean);
  clean->callback([command, &chosen] {
    chosen = {"clean", command->place, [command] { return run(*command); }};
  });
}

}  // namespace coffer::cli
