#pragma once
/// ConfigurationKeeper: the configuration in force, and the only writer of superblocks while a vault is open.
///
/// raise() makes the next epoch and syncs it on all reachable current volumes, at least N − m of them, before it returns: only
/// then may anything be acknowledged that skips a volume or a mirror (docs/architecture.md). A volume that fails while being told is
/// itself marked absent by a further raise.
///
/// Keys      no superblock that names a generation of the key store is written to a volume that does not hold that generation,
///           whole and synced: not by a change of the key slots, and not for a volume that comes back or is new.
///
/// Borrows   the volume set and the key ring.
/// Threads   everything from any thread; raises are ordered by one mutex, held across the syncs of superblocks and key stores (that
///           is the point).
/// Errors    NotEnoughVolumes: the quorum was not reached; the caller makes the vault read-only. What the volumes hold then is an
///           interrupted raise, harmless at the next open (configuration.h).

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "coffer/core/error.h"
#include "coffer/core/mutex.h"
#include "vault/crypto/key_ring.h"
#include "vault/state_file.h"
#include "vault/volume/configuration.h"
#include "vault/volume/superblock.h"
#include "vault/volume/volume_set.h"

namespace coffer {

class ConfigurationKeeper {
 public:
  using Sequences = std::array<std::uint64_t, VolumeSet::kMembersMax>;

  /// `key_store`: the bytes that `in_force` names. `sequences`: the last superblock sequence written on each member, by index.
  ConfigurationKeeper(VolumeSet& volumes, const crypto::KeyRing& keys, StateFile state,
                      Superblock in_force, std::string key_store, const Sequences& sequences);

  [[nodiscard]] Superblock current() const;
  /// The key store in force, as every current volume holds it.
  [[nodiscard]] std::string key_store() const;
  Result<void> raise(const std::function<void(Superblock&)>& change);
  /// The next generation of the key store: first on all current volumes, beside the one before, then named by a raise, which is
  /// the commit point. NoSpace, before anything is named, when a volume has no room for it.
  Result<void> raise_key_store(std::uint64_t generation, std::string key_store);
  /// Both key store files of every current volume hold what is in force; nothing of the generation before is left there.
  /// @return the volumes (paths) where that failed.
  std::vector<std::string> mirror_key_store();
  /// Copies of superblocks that do not verify are written anew. Says on which volumes, and on which of these it failed.
  struct Mended {
    std::vector<std::string> bad, failed;
  };
  Mended mend_superblocks();
  /// The same without a change: the volumes (paths) on which a copy does not verify or the newest one is missing; and those whose
  /// key slots are not, twice, what is in force.
  [[nodiscard]] std::vector<std::string> damaged_superblocks() const;
  [[nodiscard]] std::vector<std::string> damaged_key_stores() const;
  /// The members' own flag: closed in order.
  Result<void> mark_clean();

  /// The member's superblock written for the first time (init), in the configuration as it is.
  Result<void> write_all();

 private:
  Result<void> raise_locked(const std::function<void(Superblock&)>& change) REQUIRES(mutex_);
  /// Enough members, and a metadata mirror among them.
  [[nodiscard]] Result<void> check_viable(const Superblock& next) const;
  Result<void> write_one(const Superblock& configuration, const Member& member) REQUIRES(mutex_);
  /// The key store that `configuration` names, on that volume; a file that its own superblock names is not overwritten.
  Result<void> ensure_key_store(Volume& volume) REQUIRES(mutex_);
  /// Both copies verify, and one is the last that was written there.
  [[nodiscard]] bool superblocks_sound(Volume& volume, std::uint8_t index) const REQUIRES(mutex_);
  /// Indexes of members that could not be written.
  std::vector<std::uint8_t> write_members(const Superblock& configuration) REQUIRES(mutex_);

  VolumeSet& volumes_;
  const crypto::KeyRing& keys_;
  mutable Mutex mutex_;
  StateFile state_ GUARDED_BY(mutex_);
  Superblock in_force_ GUARDED_BY(mutex_);
  std::string key_store_ GUARDED_BY(mutex_);  // what the next superblock to be written names
  Sequences sequences_ GUARDED_BY(mutex_);
};

}  // namespace coffer
