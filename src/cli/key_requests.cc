#include "cli/key_requests.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "cli/control_client.h"
#include "cli/open_vault.h"

namespace coffer::cli {
namespace {

using nlohmann::json;

json slot_json(const SlotInfo& slot) {
  return {
      {"slot", slot.id.value()},
      {"kind", to_string(slot.kind)},
      {"created", slot.created_unix_s},
      {"kdf", {{"operations", slot.cost.operations}, {"memory_bytes", slot.cost.memory_bytes}}}};
}

json change_json(const KeySlotChange& change) {
  return {{"slot", slot_json(change.slot)}, {"old_copies", change.old_copies}};
}

Result<Credential> credential_of(const json& kind, const SecretString& secret) {
  const int number = kind.get<int>();
  if (number < static_cast<int>(SlotKind::Passphrase) ||
      number > static_cast<int>(SlotKind::Recovery))
    return fail(Errc::InvalidArgument, "a kind of key that this version does not know");
  return Credential{static_cast<SlotKind>(number), SecretString(secret.view())};
}

Result<json> add(Vault& vault, const json& request, const Credential& proof,
                 const SecretString& secret) {
  COFFER_ASSIGN(const KdfCost cost, parse_kdf_cost(request.at("cost")));
  COFFER_ASSIGN(const Credential added, credential_of(request.at("kind"), secret));
  COFFER_ASSIGN(const KeySlotChange change, vault.keys().add(proof, added, cost));
  return change_json(change);
}

Result<json> remove(Vault& vault, const json& request, const Credential& proof) {
  const auto slot = request.at("slot").get<std::uint8_t>();
  COFFER_ASSIGN(const KeySlotChange change, vault.keys().remove(proof, SlotId(slot)));
  return change_json(change);
}

}  // namespace

json slots_json(const std::vector<SlotInfo>& slots) {
  json lines = json::array();
  for (const SlotInfo& slot : slots) lines.push_back(slot_json(slot));
  return lines;
}

Result<json> answer_key_request(Vault& vault, const json& request,
                                std::span<const SecretString> secrets) {
  const std::string what = request.at("do");
  if (secrets.empty()) return fail(Errc::InvalidArgument, "no key to show for it");
  COFFER_ASSIGN(const Credential proof, credential_of(request.at("proof"), secrets[0]));
  if (what == "key-add" && secrets.size() == 2) return add(vault, request, proof, secrets[1]);
  if (what == "key-remove") return remove(vault, request, proof);
  return fail(Errc::NotSupported, "this version does not know '" + what + "'");
}

Result<json> change_keys(const std::string& place, const VaultOptions& options, json request,
                         const Credential& proof, const Credential* added) {
  request["proof"] = static_cast<int>(proof.kind);
  std::vector<SecretString> secrets;
  secrets.emplace_back(proof.secret.view());
  if (added != nullptr) {
    request["kind"] = static_cast<int>(added->kind);
    secrets.emplace_back(added->secret.view());
  }
  if (auto daemon = ControlClient::find(place, options.more_volumes))
    return daemon->ask(std::move(request), secrets);
  COFFER_ASSIGN(const OpenOptions open, open_options(options, place));
  raise_file_limit();
  COFFER_ASSIGN(const std::unique_ptr<Vault> vault, open_vault(open, proof));
  auto answer = answer_key_request(*vault, request, secrets);
  COFFER_TRY(vault->close());
  return answer;
}

}  // namespace coffer::cli
