#include "vault/configuration_keeper.h"

#include <algorithm>

#include "coffer/core/log.h"

namespace coffer {

ConfigurationKeeper::ConfigurationKeeper(VolumeSet& volumes, const crypto::KeyRing& keys, StateFile state,
                                         Superblock in_force,
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
  return write_file_atomically(volume->files(), superblock_file_name(superblock_slot(sequence)), as_bytes(bytes));
}

std::vector<std::uint8_t> ConfigurationKeeper::write_members(const Superblock& configuration) {
  std::vector<std::uint8_t> failed;
  for (const Member& member : configuration.members) {
    if (volumes_.writable(member.index) == nullptr || member.state != MemberState::Current) continue;
    if (auto written = write_one(configuration, member); !written) {
      log_warning("superblock of volume {} not written: {}", member.index, written.error().context);
      failed.push_back(member.index);
    }
  }
  return failed;
}

Result<void> ConfigurationKeeper::raise(const std::function<void(Superblock&)>& change) {
  MutexLock lock(mutex_);
  Superblock next = raise_epoch(in_force_);
  change(next);
  // Each round that meets a failing volume leaves one out; there are not more rounds than members.
  for (std::size_t round = 0; round <= VolumeSet::kMembersMax; ++round) {
    for (Member& member : next.members) {
      if (Volume* volume = volumes_.writable(member.index)) member.path_hint = volume->path();
    }
    const std::vector<std::uint8_t> failed = write_members(next);
    if (failed.empty()) {
      const auto told = static_cast<std::size_t>(
          std::count_if(next.members.begin(), next.members.end(), [&](const Member& member) {
            return member.state == MemberState::Current && volumes_.writable(member.index) != nullptr;
          }));
      in_force_ = next;
      if (told < raise_quorum(next)) {
        return fail(Errc::NotEnoughVolumes, "a change of the configuration reached too few volumes");
      }
      state_.remember(next);
      return {};
    }
    // Some volumes have this epoch already: the mended configuration is its child.
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
