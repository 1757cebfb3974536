#pragma once
/// How a vault is made and opened over volumes that are at hand already (local directories, or simulated disks in tests).

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "coffer/vault/cipher.h"
#include "coffer/vault/credential.h"
#include "coffer/vault/uuid.h"

namespace coffer {

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
  Uuid boot;  // nil: this machine's boot-id; tests pretend a power loss with another
  std::function<void(SegmentUid, std::uint32_t ordinal)> on_seal;  // tests: invariant 5
};

}  // namespace coffer
