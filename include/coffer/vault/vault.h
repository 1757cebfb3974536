#pragma once
/// Vault: one encrypted store, opened: key ring, volumes, segments, metadata, and the faces that doors use.
///
/// Owns      everything below it. Nothing is a process-wide singleton: one process may open several vaults.
/// Threads   the faces from any thread; close() once, after the doors stopped.
/// Errors    open: WrongKey (exit 2), NotEnoughVolumes, Corrupt, Forked (exit 3), Busy (exit 4), Io (exit 5).
///           An open that is refused has changed nothing on any volume.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "coffer/core/error.h"
#include "coffer/vault/access_keys.h"
#include "coffer/vault/cipher.h"
#include "coffer/vault/credential.h"
#include "coffer/vault/objects.h"
#include "coffer/vault/tree.h"
#include "coffer/vault/upkeep.h"
#include "coffer/vault/uuid.h"
#include "coffer/vault/vault_keys.h"

namespace coffer {

class ChangeFeed;

struct InitOptions {
  std::vector<std::string> volumes;   // directories, made if absent; must be empty
  std::uint8_t data = 0, parity = 0;  // 0 and 0: by the number of volumes (README.md)
  CipherId cipher = default_cipher();
  KdfCost kdf_cost = kKdfCostModerate;
};

struct OpenOptions {
  std::string volume;                     // any one of them
  std::vector<std::string> more_volumes;  // --volume: where moved ones are now
  bool read_only = false;
  std::uint64_t memory_bytes = 0;  // 0: default_memory_bytes()
  unsigned workers = 0;            // 0: one per core
  std::string
      state_directory;  // local state file against rollback; empty: the default (/var/lib/coffer or ~/.local/state/coffer)
};

struct VolumeStatus {
  std::string path;
  Uuid uuid;
  std::string state;  // current, stale, absent
  std::uint8_t index = 0;
  bool metadata = false;             // holds a mirror
  std::uint64_t missing_files = 0;   // shard files that are known to be missing as a whole
  std::uint64_t missing_shards = 0;  // and single shards
  std::uint64_t bytes_total = 0, bytes_available = 0;
  std::uint64_t stale_since_epoch = 0;
};

struct VaultStatus {
  Uuid uuid;
  std::string cipher;
  std::uint8_t data = 0, parity = 0;
  std::uint64_t epoch = 0;
  bool read_only = false;
  std::vector<VolumeStatus> volumes;
  std::uint32_t data_losses_survived = 0;  // how many more volumes may go: file bytes
  std::uint32_t metadata_losses_survived = 0;
  std::uint64_t degraded_stripes = 0;  // stripes that lack shards on current volumes
  std::uint64_t degraded_segments =
      0;  // segments with fewer shards than the vault's geometry wants
  std::uint64_t segments = 0, live_bytes = 0, metadata_bytes = 0;
  std::uint64_t inodes = 0;
  SpaceInfo space{};
  // Since it was opened: bytes of files that were written, and those that cleaning wrote again.
  std::uint64_t bytes_written = 0, bytes_moved = 0;
};

struct FsckReport {
  std::uint64_t inodes = 0, entries = 0, extents = 0, segments = 0, objects = 0;
  std::uint64_t bytes_read = 0;       // with data verification
  std::vector<std::string> problems;  // one line each, by inode number, never by name
  [[nodiscard]] bool clean() const { return problems.empty(); }
};

struct FsckOptions {
  bool verify_data = false;  // also read and authenticate every live chunk
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

class Vault {
 public:
  /// Whether init() has what it needs; makes no directory. Asked before a person is asked for a passphrase.
  static Result<void> check_init(const InitOptions& options);
  /// Makes a vault. Warnings (two volumes on one device) are lines for a person.
  static Result<std::vector<std::string>> init(const InitOptions& options,
                                               const Credential& credential);
  static Result<std::unique_ptr<Vault>> open(const OpenOptions& options,
                                             const Credential& credential);
  /// Whether enough volumes are there to try it: NotEnoughVolumes, or what open() says of a path that is no volume.
  /// Superblocks are not authenticated yet, so only what no one of them allows is refused.
  static Result<void> check_present(const std::string& volume,
                                    const std::vector<std::string>& more_volumes);
  /// What can be told without a passphrase: members, geometry, epoch.
  static Result<VaultStatus> peek(const std::string& volume,
                                  const std::vector<std::string>& more_volumes);
  /// Likewise the key slots: what the volumes say, without proof.
  static Result<std::vector<SlotInfo>> peek_key_slots(const std::string& volume,
                                                      const std::vector<std::string>& more_volumes);

  /// Checksums and parity of all shards of a closed vault, without a passphrase; repairs nothing.
  static Result<UpkeepReceipt> scrub_keyless(const std::string& volume,
                                             const std::vector<std::string>& more_volumes,
                                             const UpkeepOptions& options);

  virtual ~Vault() = default;
  virtual Tree& tree() = 0;
  virtual Objects& objects() = 0;
  virtual AccessKeys& access_keys() = 0;
  virtual VaultKeys& keys() = 0;
  virtual ChangeFeed& changes() = 0;
  virtual Result<VaultStatus> status() = 0;
  virtual Result<FsckReport> fsck(const FsckOptions& options) = 0;
  /// Reads every shard of all data, and what is missing or bad is made anew. One of these at a time (else Busy); Cancelled when
  /// it was stopped: by progress, end_upkeep() or close(). What cannot be made whole is in the receipt, no error.
  virtual Result<UpkeepReceipt> scrub(const UpkeepOptions& options) = 0;
  /// The same, and whatever else is below the protection that the vault wants and can have now.
  virtual Result<UpkeepReceipt> heal(const UpkeepOptions& options) = 0;
  /// `old_place` is a member's path or uuid, whether it still works or not; `new_place` a directory that is empty or not there.
  /// Afterwards any m others may go; what could not be made whole is in the receipt.
  virtual Result<UpkeepReceipt> replace_volume(const std::string& old_place,
                                               const std::string& new_place,
                                               const UpkeepOptions& options) = 0;
  /// Moves together what lives in segments that are partly dead, and frees their space. One at a time (else Busy); not kept out
  /// by the others. Cancelled when it was stopped. NoSpace: not even the reserve has room for what would have to be moved first.
  virtual Result<CleaningReceipt> clean(const UpkeepOptions& options) = 0;
  /// Stops what runs of these; none begins any more.
  virtual void end_upkeep() = 0;
  [[nodiscard]] virtual bool read_only() const = 0;
  [[nodiscard]] virtual const Uuid& uuid() const = 0;
  /// Commits everything, closes the metadata, releases the volumes. Idempotent.
  virtual Result<void> close() = 0;
};

}  // namespace coffer
