#pragma once
/// ConfigurationKeeper: the configuration in force, and the only writer of superblocks while a vault is open.
///
/// raise() makes the next epoch and syncs it on all reachable current volumes, at least N − m of them, before it returns: only
/// then may anything be acknowledged that skips a volume or a mirror (docs/architecture.md). A volume that fails while being told is
/// itself marked absent by a further raise.
///
/// Borrows   the volume set and the key ring.
/// Threads   everything from any thread; raises are ordered by one mutex, held across the superblocks' syncs (that is the point).
/// Errors    NotEnoughVolumes: the quorum was not reached; the caller makes the vault read-only. What the volumes hold then is an
///           interrupted raise, harmless at the next open (configuration.h).

#include <array>
#include <functional>
#include <string>

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
  /// `sequences`: the last superblock sequence written on each member, by index.
  ConfigurationKeeper(VolumeSet& volumes, const crypto::KeyRing& keys, StateFile state,
                      Superblock in_force,
                      std::array<std::uint64_t, VolumeSet::kMembersMax> sequences);

  [[nodiscard]] Superblock current() const;
  Result<void> raise(const std::function<void(Superblock&)>& change);
  /// The members' own flag: closed in order.
  Result<void> mark_clean();

  /// The member's superblock written for the first time (init), in the configuration as it is.
  Result<void> write_all();

 private:
  /// Enough members, and a metadata mirror among them.
  [[nodiscard]] Result<void> check_viable(const Superblock& next) const;
  Result<void> write_one(const Superblock& configuration, const Member& member) REQUIRES(mutex_);
  /// Indexes of members that could not be written.
  std::vector<std::uint8_t> write_members(const Superblock& configuration) REQUIRES(mutex_);

  VolumeSet& volumes_;
  const crypto::KeyRing& keys_;
  mutable Mutex mutex_;
  StateFile state_ GUARDED_BY(mutex_);
  Superblock in_force_ GUARDED_BY(mutex_);
  std::array<std::uint64_t, VolumeSet::kMembersMax> sequences_ GUARDED_BY(mutex_);
};

}  // namespace coffer
