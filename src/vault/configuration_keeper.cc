#include "vault/configuration_keeper.h"

#include <algorithm>

#include "coffer/core/log.h"

namespace coffer {

ConfigurationKeeper::ConfigurationKeeper(
    VolumeSet& volumes, const crypto::KeyRing& keys, StateFile state, Superblock in_force,
    std::array<std::uint64_t, VolumeSet::kMembersMax> sequences)
    : volumes_(volumes),
      keys_(keys),
      state_(std::move(state)),
      in_force_(std::move(in_force)),
      sequences_(sequences) {}

Superblock ConfigurationKeeper::current() const {
  MutexLock lock(mutex_);
  return in_force_;
}

Result<void> ConfigurationKeeper::write_one(const Superblock& configuration, const Member& member) {
  Volume* const volume = volumes_.writable(member.index);
  if (volume == nullptr) return fail(Errc::NotFound, "volume is not there");
  const std::uint64_t sequence = ++sequences_[member.index];
  Superblock own = for_volume(configuration, member.volume, sequence);
  own.mac_key_epoch = keys_.active_epoch(crypto::KeyKind::Metadata);
  COFFER_ASSIGN(const crypto::KeyedMac mac, superblock_mac(keys_, own.mac_key_epoch, own.vault));
  COFFER_ASSIGN(const std::string bytes, encode(own, mac));
  return write_file_atomically(volume->files(), superblock_file_name(superblock_slot(sequence)),
                               as_bytes(bytes));
}

std::vector<std::uint8_t> ConfigurationKeeper::write_members(const Superblock& configuration) {
  std::vector<std::uint8_t> failed;
  for (const Member& member : configuration.members) {
    if (volumes_.writable(member.index) == nullptr || member.state != MemberState::Current)
      continue;
    if (auto written = write_one(configuration, member); !written) {
      log_warning("superblock of volume {} not written: {}", member.index, written.error().context);
      failed.push_back(member.index);
    }
  }
  return failed;
}

Result<void> ConfigurationKeeper::check_viable(const Superblock& next) const {
  const auto takes_part = [&](const Member& member) {
    return member.state == MemberState::Current && volumes_.writable(member.index) != nullptr;
  };
  const auto members =
      static_cast<std::size_t>(std::count_if(next.members.begin(), next.members.end(), takes_part));
  if (members < raise_quorum(next)) {
    return fail(Errc::NotEnoughVolumes,
                "too few volumes are left for a change of the configuration");
  }
  const bool mirrored =
      std::any_of(next.mirrors.begin(), next.mirrors.end(), [&](const MetaMirror& mirror) {
        const Member* member = next.find_member(mirror.volume);
        return member != nullptr && takes_part(*member);
      });
  if (!mirrored) {
    return fail(Errc::NotEnoughVolumes, "no volume with current metadata would be left");
  }
  return {};
}

Result<void> ConfigurationKeeper::raise(const std::function<void(Superblock&)>& change) {
  MutexLock lock(mutex_);
  Superblock next = raise_epoch(in_force_);
  change(next);
  // Each round that meets a failing volume leaves one out; there are not more rounds than members.
  for (std::size_t round = 0; round <= VolumeSet::kMembersMax; ++round) {
    // Before anything is written: a configuration that could not be in force would only lock the others out.
    COFFER_TRY(check_viable(next));
    for (Member& member : next.members) {
      if (Volume* volume = volumes_.writable(member.index)) member.path_hint = volume->path();
    }
    const std::vector<std::uint8_t> failed = write_members(next);
    in_force_ = next;  // some volume may have it: what follows is its child
    if (failed.empty()) {
      state_.remember(next);
      return {};
    }
    next = raise_epoch(next);
    for (const std::uint8_t index : failed) {
      volumes_.set_state(index, VolumeSet::State::Absent);
      const auto member = std::find_if(next.members.begin(), next.members.end(),
                                       [&](const Member& m) { return m.index == index; });
      const VolumeUuid gone = member->volume;
      COFFER_TRY(set_member_state(next, gone, MemberState::Absent));
      std::erase_if(next.mirrors, [&](const MetaMirror& mirror) { return mirror.volume == gone; });
    }
  }
  return fail(Errc::NotEnoughVolumes, "no volume takes a superblock");
}

Result<void> ConfigurationKeeper::mark_clean() {
  MutexLock lock(mutex_);
  in_force_.clean = true;
  if (!write_members(in_force_).empty()) return fail(Errc::Io, "a superblock was not written");
  return {};
}

Result<void> ConfigurationKeeper::write_all() {
  MutexLock lock(mutex_);
  for (const Member& member : in_force_.members) COFFER_TRY(write_one(in_force_, member));
  state_.remember(in_force_);
  return {};
}

}  // namespace coffer
