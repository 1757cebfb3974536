#pragma once
/// How a vault is made and opened over volumes that are at hand already (local directories, or simulated disks in tests).

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "coffer/core/error.h"
#include "coffer/vault/cipher.h"
#include "coffer/vault/credential.h"
#include "coffer/vault/uuid.h"

namespace coffer {

class Volume;

struct InitParameters {
  std::uint8_t data = 1, parity = 0;
  CipherId cipher = CipherId::Aes256Gcm;
  KdfCost kdf_cost = kKdfCostModerate;
  std::uint32_t root_uid = 0, root_gid = 0;
};

struct OpenParameters {
  bool read_only = false;
  std::uint64_t memory_bytes = 0;  // 0: default_memory_bytes()
  unsigned workers = 0;            // 0: one per core
  std::string state_directory;     // state_file.h
  /// Commits and syncs what nobody asked to sync (docs/architecture.md, "The data's way"). Zero: only when asked.
  std::chrono::milliseconds commit_interval{5'000};
  std::uint64_t unsynced_bytes_max = std::uint64_t{256} << 20;
  std::uint32_t shard_bytes_max = 0;  // 0: by the volumes' free space
  /// Then a volume counts as hung (segment_store_options.h).
  std::chrono::milliseconds volume_deadline{10'000};
  Uuid boot;  // nil: this machine's boot-id; tests pretend a power loss with another
  std::function<void(SegmentUid, std::uint32_t ordinal)> on_seal;  // tests: invariant 5
  /// A volume by its path, for members that return while the vault is open. None: they return with the next opening.
  std::function<Result<std::unique_ptr<Volume>>(const std::string& path)> open_volume;
};

}  // namespace coffer
