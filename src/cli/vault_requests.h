#pragma once
/// What can be asked of an open vault: the same in a daemon, over its socket, and in a command that
/// opened a closed vault itself.
///
/// {"do": "fsck", "verify_data": bool}                                   → fsck_json
/// {"do": "key-list"}                                                    → key_requests.h
/// {"do": "scrub"|"heal", "repair": bool, "bytes_per_second"}           → receipt_json
/// {"do": "clean", "bytes_per_second"}                                   → cleaning_receipt_json
/// {"do": "volume-replace", "old", "new", "bytes_per_second"}            → receipt_json
/// {"do": "s3-key-add", "name", "id", "secret", "bucket", "read_only"}   → the key with its secret
/// {"do": "s3-key-list"}                                                 → keys without secrets
/// {"do": "s3-key-remove", "id"}                                         → {}
///
/// Threads   any.
/// Errors    NotSupported for other requests; else what the vault says.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/control_server.h"
#include "cli/options.h"
#include "coffer/core/error.h"
#include "coffer/vault/vault.h"

namespace coffer::cli {

Result<nlohmann::json> answer_vault_request(Vault& vault, const nlohmann::json& request,
                                            const ReportProgress& progress);

enum class Access { ReadOnly, ReadWrite };

/// Asks the daemon that has the vault of `place` (a volume or mountpoint), or opens the vault for
/// this one request.
Result<nlohmann::json> ask_vault(const std::string& place, const VaultOptions& options,
                                 Access access, const nlohmann::json& request,
                                 const ReportProgress& progress = {});

/// What is known of a vault: a daemon's answer; of a closed one all with a passphrase, volumes and geometry without.
Result<nlohmann::json> ask_status(const std::string& place, const VaultOptions& options);

}  // namespace coffer::cli
