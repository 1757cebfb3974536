#pragma once
/// The epoch policy: which configuration is in force, which volumes are current, whether the vault
/// may be written. Pure functions over the superblocks that were read; no I/O.
///
/// Rules (docs/format.md §1.5):
///  - The highest epoch is in force. Before a write that skips a volume is acknowledged, the epoch
///    has been raised on all reachable volumes, so who was skipped is known.
///  - A volume whose configuration is the parent, and which is Current in the child, only missed an
///    interrupted raise: nothing was acknowledged under the child, and it is current.
///  - A configuration off the line of ancestors is harmless where it is one interrupted raise: its
///    parent is on the line, and it counts as Current a volume that never had it. Else it is a
///    fork.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "coffer/core/error.h"
#include "vault/volume/superblock.h"

namespace coffer {

/// What this machine's state file remembers of a vault: written after a raise was synced on the
/// volumes, never before.
struct KnownConfiguration {
  EpochId epoch;
  crypto::Digest digest{};
};

enum class VolumeStanding : std::uint8_t {
  Current,
  Stale,      // verified data shards only
  Empty,      // nothing of it is used
  NotMember,  // replaced, or of this vault but not in its configuration
};

enum class Access : std::uint8_t {
  ReadWrite,
  /// N/2 volumes or fewer, and no state file that agrees: possibly a stale half.
  /// Read-only until the operator accepts it (--accept-rollback).
  ReadOnlyPossiblyStale,
  /// This machine has seen a newer configuration. Likewise.
  ReadOnlyRolledBack,
  /// More than m volumes are missing: whatever can still be read.
  ReadOnlyTooManyLost,
  /// The superblock has features that this version must not write.
  ReadOnlyFeatures,
};

struct Assessment {
  std::size_t newest = 0;                 // index into the superblocks given
  std::vector<VolumeStanding> standings;  // one for each superblock given
  Access access = Access::ReadWrite;
  std::size_t member_count = 0;     // N: members that are not Replaced
  std::size_t reachable_count = 0;  // members among the superblocks given
  std::size_t current_count = 0;    // reachable and current
  std::size_t losses_left = 0;      // how many more volumes the data survive
};

/// @param seen   one superblock of every reachable volume (choose_copy), MACs verified where keys
/// are
///               at hand; of one vault, each volume once (else InvalidArgument).
/// @return Forked with a message naming both volumes; NotEnoughVolumes when fewer than k are
/// current.
Result<Assessment> assess(std::span<const Superblock> seen,
                          const std::optional<KnownConfiguration>& known);

/// On how many volumes a raised configuration must be synced before anything is acknowledged under
/// it (and on all reachable ones, if those are more): N - m, at least one.
std::size_t raise_quorum(const Superblock& raised);

/// The next configuration: epoch + 1, its ancestors extended. Change it, then write it to every
/// reachable volume (at least N - m) with for_volume() before anything is acknowledged under it.
Superblock raise_epoch(const Superblock& current);
/// Marks a member, in a configuration made by raise_epoch, as out (Stale, Absent) or in (Current).
Result<void> set_member_state(Superblock& raised, VolumeUuid volume, MemberState state);
/// This configuration as `volume` keeps it, under its next sequence number.
Superblock for_volume(const Superblock& configuration, VolumeUuid volume, std::uint64_t sequence);

}  // namespace coffer
