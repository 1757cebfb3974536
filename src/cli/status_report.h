#pragma once
/// What status and fsck say: one JSON form, which a daemon sends and --json prints, and its text
/// for people.

#include <nlohmann/json.hpp>
#include <string>

#include "coffer/fuse/mount.h"
#include "coffer/vault/vault.h"

namespace coffer::cli {

/// All that an open vault knows.
nlohmann::json status_json(const VaultStatus& status);
/// What a closed vault shows without a key: a field that needs one is left out.
nlohmann::json peeked_status_json(const VaultStatus& status);
std::string status_text(const nlohmann::json& status);
/// Its volumes, with what each lacks.
std::string volumes_text(const nlohmann::json& status);

nlohmann::json statistics_json(const fuse::MountStatistics& statistics);

nlohmann::json fsck_json(const FsckReport& report);
std::string fsck_text(const nlohmann::json& report);

/// "1.5 GiB"
std::string human_bytes(std::uint64_t bytes);

}  // namespace coffer::cli
