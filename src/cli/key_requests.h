#pragma once
/// What can be asked about the key slots of an open vault, in a daemon and in a command that opened a closed vault itself.
///
/// {"do": "key-list"}                                                        → [slot]
/// {"do": "key-add", "proof": KIND, "kind": KIND, "cost": WORD}, two secrets → {"slot": slot, "old_copies": [path]}
/// {"do": "key-remove", "proof": KIND, "slot": N}, one secret                → the same
///
/// KIND is 1 passphrase, 2 key file, 3 recovery key. The first secret opens a slot that is there; the second one is the new slot's.
///
/// Threads   any.
/// Errors    NotSupported for other requests; else what the vault says.

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "cli/options.h"
#include "coffer/core/error.h"
#include "coffer/vault/vault.h"

namespace coffer::cli {

nlohmann::json slots_json(const std::vector<SlotInfo>& slots);

Result<nlohmann::json> answer_key_request(Vault& vault, const nlohmann::json& request,
                                          std::span<const SecretString> secrets);

/// Asks the daemon that has the vault of `place`, or opens the vault for this one change.
Result<nlohmann::json> change_keys(const std::string& place, const VaultOptions& options,
                                   nlohmann::json request, const Credential& proof,
                                   const Credential* added);

}  // namespace coffer::cli
