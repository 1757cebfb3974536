#include "cli/vault_requests.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "cli/control_client.h"
#include "cli/key_requests.h"
#include "cli/open_vault.h"
#include "cli/options.h"
#include "cli/status_report.h"
#include "cli/upkeep_report.h"
#include "coffer/fuse/mount_table.h"

namespace coffer::cli {
namespace {

using nlohmann::json;

json key_json(const AccessKey& key) {
  json shown{{"access_key", key.id}, {"name", key.name}, {"read_only", key.read_only}};
  if (!key.bucket.empty()) shown["bucket"] = key.bucket;
  if (!key.owner.empty()) shown["owner"] = key.owner;
  if (!key.email.empty()) shown["email"] = key.email;
  return shown;
}

Result<json> fsck(Vault& vault, const json& request, const ReportProgress& progress) {
  FsckOptions options;
  options.verify_data = request.value("verify_data", false);
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    if (progress) progress(done, total);
  };
  COFFER_ASSIGN(const FsckReport report, vault.fsck(options));
  return fsck_json(report);
}

UpkeepOptions upkeep_options(const json& request, const ReportProgress& progress) {
  UpkeepOptions options;
  options.bytes_per_second = request.value("bytes_per_second", std::uint64_t{0});
  options.repair = request.value("repair", true);
  options.progress = progress;
  return options;
}

Result<json> add_key(Vault& vault, const json& request) {
  AccessKey key;
  key.name = request.value("name", "");
  key.id = request.value("id", "");
  key.secret = request.value("secret", "");
  key.bucket = request.value("bucket", "");
  key.owner = request.value("owner", "");
  key.email = request.value("email", "");
  key.read_only = request.value("read_only", false);
  COFFER_ASSIGN(const AccessKey added, vault.access_keys().add(std::move(key)));
  json answer = key_json(added);
  answer["secret_key"] = added.secret;
  return answer;
}

Result<json> status(Vault& vault) {
  COFFER_ASSIGN(const VaultStatus status, vault.status());
  return status_json(status);
}

json list_keys(Vault& vault) {
  json keys = json::array();
  for (const AccessKey& key : vault.access_keys().list()) keys.push_back(key_json(key));
  return keys;
}

}  // namespace

Result<json> answer_vault_request(Vault& vault, const json& request,
                                  const ReportProgress& progress) {
  const std::string what = request.at("do");
  if (what == "status") return status(vault);
  if (what == "fsck") return fsck(vault, request, progress);
  if (what == "key-list") {
    COFFER_ASSIGN(const auto slots, vault.keys().list());
    return slots_json(slots);
  }
  if (what == "scrub") return vault.scrub(upkeep_options(request, progress)).map(receipt_json);
  if (what == "heal") return vault.heal(upkeep_options(request, progress)).map(receipt_json);
  if (what == "clean")
    return vault.clean(upkeep_options(request, progress)).map(cleaning_receipt_json);
  if (what == "volume-replace")
    return vault
        .replace_volume(request.at("old").get<std::string>(), request.at("new").get<std::string>(),
                        upkeep_options(request, progress))
        .map(receipt_json);
  if (what == "s3-key-add") return add_key(vault, request);
  if (what == "s3-key-list") return list_keys(vault);
  if (what == "s3-key-remove") {
    COFFER_TRY(vault.access_keys().remove(request.at("id").get<std::string>()));
    return json::object();
  }
  return fail(Errc::NotSupported, "this version does not know '" + what + "'");
}

Result<json> ask_vault(const std::string& place, const VaultOptions& options, Access access,
                       const json& request, const ReportProgress& progress) {
  if (auto daemon = ControlClient::find(place, options.more_volumes))
    return daemon->ask(request, progress);
  COFFER_ASSIGN(OpenOptions open, open_options(options, place));
  open.read_only = access == Access::ReadOnly;
  COFFER_TRY(Vault::check_present(open.volume, open.more_volumes));
  COFFER_ASSIGN(const Credential credential, read_credential(options.credential, Ask::Once));
  raise_file_limit();
  COFFER_ASSIGN(const std::unique_ptr<Vault> vault, open_vault(open, credential));
  auto answer = answer_vault_request(*vault, request, progress);
  COFFER_TRY(vault->close());
  return answer;
}

namespace {

Result<json> peek(const std::string& place, const VaultOptions& options) {
  if (const std::string path = canonical_place(place); fuse::is_coffer_mount(path))
    return fail(Errc::Io,
                path + " does not answer, its daemon is gone: mount it again, or unmount it");
  COFFER_ASSIGN(const VaultStatus status, Vault::peek(absolute_path(place), options.more_volumes));
  return peeked_status_json(status);
}

}  // namespace

Result<json> ask_status(const std::string& place, const VaultOptions& options) {
  const json request{{"do", "status"}};
  if (auto daemon = ControlClient::find(place, options.more_volumes)) return daemon->ask(request);
  if (!options.credential.given()) return peek(place, options);
  return ask_vault(place, options, Access::ReadOnly, request);
}

}  // namespace coffer::cli
