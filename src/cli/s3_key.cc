/// coffer s3-key: the access keys with which S3 clients sign.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/vault_requests.h"

namespace coffer::cli {
namespace {

constexpr const char* kFooter =
    R"(add prints a new key; its secret is shown this once and kept sealed in the vault. On an open vault
a key is good, or gone, at once.

Examples:
  coffer s3-key add /disk1/vault --name backup
  coffer s3-key add ~/safe --name web --bucket photos --read-only
  coffer s3-key add ~/safe --name "A. Guest" --owner guest
  coffer s3-key list ~/safe
  coffer s3-key remove ~/safe --access-key K2V5LATUXEMXQ6ZK4SNB

--secret-key is for machines that bring a key of their own; other users can see it while it runs.)";

struct KeyCommand {
  std::string action, place, name, id, secret, bucket, owner, email;
  bool read_only = false, json = false;
  VaultOptions vault;
};

nlohmann::json request_of(const KeyCommand& command) {
  nlohmann::json request{{"do", "s3-key-" + command.action}};
  if (command.action == "list") return request;
  request["id"] = command.id;
  if (command.action == "remove") return request;
  request["name"] = command.name;
  request["secret"] = command.secret;
  request["bucket"] = command.bucket;
  request["owner"] = command.owner;
  request["email"] = command.email;
  request["read_only"] = command.read_only;
  return request;
}

void print_list(const nlohmann::json& keys) {
  for (const auto& key : keys)
    std::printf("%s  %s  %s%s%s\n", key.value("access_key", "").c_str(),
                key.value("read_only", false) ? "read-only " : "read-write",
                key.contains("bucket") ? (key.value("bucket", "") + "  ").c_str() : "",
                key.contains("owner") ? ("owner " + key.value("owner", "") + "  ").c_str() : "",
                key.value("name", "").c_str());
}

Result<ExitCode> run(const KeyCommand& command) {
  if (command.action == "remove" && command.id.empty())
    return fail(Errc::InvalidArgument, "which one: --access-key A");
  if (command.id.empty() != command.secret.empty() && command.action == "add")
    return fail(Errc::InvalidArgument, "--access-key and --secret-key go together");
  const Access access = command.action == "list" ? Access::ReadOnly : Access::ReadWrite;
  COFFER_ASSIGN(const nlohmann::json answer,
                ask_vault(command.place, command.vault, access, request_of(command)));
  if (command.json) {
    std::printf("%s\n", answer.dump(2).c_str());
  } else if (command.action == "list") {
    print_list(answer);
  } else if (command.action == "add") {
    std::printf("access key: %s\nsecret key: %s\n", answer.value("access_key", "").c_str(),
                answer.value("secret_key", "").c_str());
  }
  return ExitCode::Ok;
}

}  // namespace

void add_s3_key(CLI::App& app, Command& chosen) {
  auto command = std::make_shared<KeyCommand>();
  CLI::App* keys = app.add_subcommand("s3-key", "Add, list and remove S3 access keys");
  keys->footer(kFooter);
  keys->add_option("ACTION", command->action, "add, list or remove")
      ->required()
      ->check(CLI::IsMember({"add", "list", "remove"}));
  keys->add_option("VOLUME", command->place, "a volume or a mountpoint")->required();
  keys->add_option("--name", command->name, "whose key it is, for people")
      ->type_name("N")
      ->take_last();
  keys->add_option("--access-key", command->id, "the access key")->type_name("A")->take_last();
  keys->add_option("--secret-key", command->secret, "its secret, instead of a generated one")
      ->type_name("S")
      ->take_last();
  keys->add_option("--bucket", command->bucket, "good for this bucket only")
      ->type_name("B")
      ->take_last();
  keys->add_option("--owner", command->owner,
                   "owner of what is made with it, by an id that ACLs and policies name; without "
                   "one: the vault's")
      ->type_name("ID")
      ->take_last();
  keys->add_option("--email", command->email, "e-mail address by which ACLs may name the owner")
      ->type_name("E")
      ->take_last();
  keys->add_flag("--read-only", command->read_only, "good for reading only");
  keys->add_flag("--json", command->json, "for programs");
  add_vault_options(*keys, command->vault);
  add_config_option(*keys);
  keys->callback([command, &chosen] {
    chosen = {"s3-key " + command->action, command->place, [command] { return run(*command); }};
  });
}

}  // namespace coffer::cli
