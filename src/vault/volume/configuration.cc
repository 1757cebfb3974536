#include "vault/volume/configuration.h"

#include <algorithm>
#include <string>

namespace coffer {
namespace {

/// How one volume's configuration lies to the one in force.
enum class Relation : std::uint8_t {
  Same,
  Parent,
  Ancestor,
  InterruptedRaise,  // off the line, but nothing was acknowledged under it
  TooOld,            // older than the history that is kept, and not known to have gone on alone
  Fork,
};

bool is_out(MemberState state) { return state != MemberState::Current; }

std::size_t live_members(const Superblock& sb) {
  return static_cast<std::size_t>(
      std::count_if(sb.members.begin(), sb.members.end(),
                    [](const Member& m) { return m.state != MemberState::Replaced; }));
}

/// Where each configuration lies; digests are made once.
class Lineage {
 public:
  explicit Lineage(std::span<const Superblock> seen) : seen_(seen) {
    for (const Superblock& sb : seen) digests_.push_back(configuration_digest(sb));
  }

  /// The highest epoch; among several of one epoch the one to which the others are harmless.
  [[nodiscard]] std::size_t newest() const {
    std::size_t best = 0;
    for (std::size_t i = 1; i < seen_.size(); ++i) {
      if (seen_[i].epoch != seen_[best].epoch) {
        if (seen_[i].epoch > seen_[best].epoch) best = i;
      } else if (digests_[i] != digests_[best] && !is_interrupted(i, best) &&
                 is_interrupted(best, i)) {
        best = i;
      }
    }
    return best;
  }

  [[nodiscard]] Relation relation(std::size_t at, std::size_t newest) const {
    const Superblock& own = seen_[at];
    const Superblock& in_force = seen_[newest];
    if (digests_[at] == digests_[newest]) return Relation::Same;
    if (digests_[at] == in_force.parent()) return Relation::Parent;
    if (is_ancestor(digests_[at], in_force)) return Relation::Ancestor;
    const Member* member = in_force.find_member(own.volume);
    const bool left = member != nullptr && is_out(member->state) && member->stale_since.value() > 0;
    if (left && digests_[at] == member->last_digest) return Relation::Ancestor;
    if (is_interrupted(at, newest)) return Relation::InterruptedRaise;
    const std::uint64_t oldest_known = in_force.epoch.value() - in_force.ancestors.size();
    const bool before_it_left = !left || own.epoch.value() + 1 < member->stale_since.value();
    if (own.epoch.value() < oldest_known && before_it_left) return Relation::TooOld;
    return Relation::Fork;
  }

  [[nodiscard]] bool knows(const KnownConfiguration& known, std::size_t newest) const {
    return known.digest == digests_[newest] || is_ancestor(known.digest, seen_[newest]);
  }

 private:
  static bool is_ancestor(const crypto::Digest& digest, const Superblock& of) {
    return std::find(of.ancestors.begin(), of.ancestors.end(), digest) != of.ancestors.end();
  }

  /// A raise that `at` has and that never was complete: it counts as Current a volume that holds
  /// the other configuration without ever having had this one, so nothing was acknowledged under
  /// it. Its parent must be on the other's line: of what lies between, only the digests are known.
  [[nodiscard]] bool is_interrupted(std::size_t at, std::size_t other) const {
    const Superblock& own = seen_[at];
    const Superblock& in_force = seen_[other];
    const crypto::Digest parent = own.parent();
    const Member* member = in_force.find_member(own.volume);
    const bool chains =
        !own.ancestors.empty() &&
        (is_ancestor(parent, in_force) || (member != nullptr && parent == member->last_digest));
    if (!chains) return false;
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      if (digests_[i] != digests_[other]) continue;
      const Member* witness = own.find_member(seen_[i].volume);
      if (witness != nullptr && witness->state == MemberState::Current) return true;
    }
    return false;
  }

  std::span<const Superblock> seen_;
  std::vector<crypto::Digest> digests_;
};

Result<void> check_one_vault(std::span<const Superblock> seen) {
  if (seen.empty()) return fail(Errc::NotEnoughVolumes, "no volume of the vault is reachable");
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (seen[i].vault != seen[0].vault) {
      return fail(Errc::InvalidArgument, "the volumes belong to different vaults");
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (seen[i].volume == seen[j].volume) {
        return fail(Errc::Conflict, "two directories are copies of one volume (" +
                                        seen[i].volume.value().to_string() + "): detach one");
      }
    }
  }
  return {};
}

VolumeStanding standing_of(const Member* member, Relation relation) {
  if (member == nullptr) return VolumeStanding::NotMember;
  switch (member->state) {
    case MemberState::Replaced:
      return VolumeStanding::NotMember;
    case MemberState::Empty:
      return VolumeStanding::Empty;
    case MemberState::Stale:
    case MemberState::Absent:
      return VolumeStanding::Stale;
    case MemberState::Current:
      return relation == Relation::Same || relation == Relation::Parent ? VolumeStanding::Current
                                                                        : VolumeStanding::Stale;
  }
  return VolumeStanding::NotMember;
}

Access access_of(const Superblock& in_force, const Assessment& found, const Lineage& lineage,
                 const std::optional<KnownConfiguration>& known) {
  const bool agrees = known && lineage.knows(*known, found.newest);
  const std::uint64_t oldest_known = in_force.epoch.value() - in_force.ancestors.size();
  if (in_force.must_be_read_only()) return Access::ReadOnlyFeatures;
  // A state file older than the history can neither agree nor object.
  if (known && !agrees && known->epoch.value() >= oldest_known) return Access::ReadOnlyRolledBack;
  if (found.member_count - found.current_count > in_force.parity_shards) {
    return Access::ReadOnlyTooManyLost;
  }
  if (2 * found.reachable_count <= found.member_count && !agrees) {
    return Access::ReadOnlyPossiblyStale;
  }
  return Access::ReadWrite;
}

}  // namespace

Result<Assessment> assess(std::span<const Superblock> seen,
                          const std::optional<KnownConfiguration>& known) {
  COFFER_TRY(check_one_vault(seen));
  const Lineage lineage(seen);
  Assessment found;
  found.newest = lineage.newest();
  const Superblock& in_force = seen[found.newest];
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const Member* member = in_force.find_member(seen[i].volume);
    const bool left_for_ever = member == nullptr || member->state == MemberState::Replaced;
    const Relation relation = lineage.relation(i, found.newest);
    // What a volume did after it was replaced was given up then, knowingly.
    if (relation == Relation::Fork && !left_for_ever) {
      return fail(Errc::Forked, "volumes " + in_force.volume.value().to_string() + " and " +
                                    seen[i].volume.value().to_string() +
                                    " were both written without the other: open with one of them "
                                    "only, and replace the other");
    }
    const VolumeStanding standing = standing_of(member, relation);
    found.standings.push_back(standing);
    if (standing != VolumeStanding::NotMember) ++found.reachable_count;
    if (standing == VolumeStanding::Current) ++found.current_count;
  }
  found.member_count = live_members(in_force);
  if (found.current_count < in_force.data_shards) {
    return fail(Errc::NotEnoughVolumes, std::to_string(found.current_count) + " of " +
                                            std::to_string(found.member_count) +
                                            " volumes are present and current; " +
                                            std::to_string(in_force.data_shards) + " are needed");
  }
  const std::size_t lost = found.member_count - found.current_count;
  found.losses_left = lost < in_force.parity_shards ? in_force.parity_shards - lost : 0;
  found.access = access_of(in_force, found, lineage, known);
  return found;
}

std::size_t raise_quorum(const Superblock& raised) {
  const std::size_t members = live_members(raised);
  return members > raised.parity_shards ? members - raised.parity_shards : 1;
}

Superblock raise_epoch(const Superblock& current) {
  Superblock raised = current;
  raised.epoch = EpochId(current.epoch.value() + 1);
  raised.ancestors.insert(raised.ancestors.begin(), configuration_digest(current));
  if (raised.ancestors.size() > Superblock::kAncestorsMax) {
    raised.ancestors.resize(Superblock::kAncestorsMax);
  }
  raised.clean = false;
  return raised;
}

Result<void> set_member_state(Superblock& raised, VolumeUuid volume, MemberState state) {
  Member* member = raised.find_member(volume);
  if (member == nullptr) return fail(Errc::NotFound, "no such volume in the vault");
  if (state == MemberState::Current) {
    member->stale_since = EpochId(0);
    member->last_digest = {};
  } else if (member->state == MemberState::Current) {
    member->stale_since = raised.epoch;
    member->last_digest = raised.parent();
  }
  member->state = state;
  return {};
}

Superblock for_volume(const Superblock& configuration, VolumeUuid volume, std::uint64_t sequence) {
  Superblock own = configuration;
  own.volume = volume;
  own.sequence = sequence;
  return own;
}

}  // namespace coffer
