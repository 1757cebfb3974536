#include "vault/configuration_keeper.h"

#include <algorithm>
#include <utility>

#include "coffer/core/log.h"
#include "vault/crypto/key_store.h"

namespace coffer {

namespace {

constexpr std::array<std::uint64_t, 2> kKeyStoreFiles{0,
                                                      1};  // generations, whose parity names a file

std::string read_key_store_file(Volume& volume, std::uint64_t file) {
  auto bytes = read_file(volume.files(), crypto::key_store_file_name(file),
                         ByteCount{crypto::KeyStore::kBytesMax});
  return bytes ? std::move(*bytes) : std::string();
}

/// What the volume's own superblock names, as far as it can be told without a key: nothing relies on it but which of two files
/// is overwritten first.
crypto::Digest key_store_named_on(Volume& volume) {
  std::array<std::string, 2> copies;
  for (std::uint8_t slot = 0; slot < 2; ++slot) {
    auto bytes =
        read_file(volume.files(), superblock_file_name(slot), ByteCount{Superblock::kBytes});
    if (bytes) copies[slot] = std::move(*bytes);
  }
  const auto chosen = choose_copy(as_bytes(copies[0]), as_bytes(copies[1]));
  return chosen ? chosen->superblock.key_store_digest : crypto::Digest{};
}

}  // namespace

ConfigurationKeeper::ConfigurationKeeper(VolumeSet& volumes, const crypto::KeyRing& keys,
                                         StateFile state, Superblock in_force,
                                         std::string key_store, const Sequences& sequences)
    : volumes_(volumes),
      keys_(keys),
      state_(std::move(state)),
      in_force_(std::move(in_force)),
      key_store_(std::move(key_store)),
      sequences_(sequences) {}

Superblock ConfigurationKeeper::current() const {
  MutexLock lock(mutex_);
  return in_force_;
}

std::string ConfigurationKeeper::key_store() const {
  MutexLock lock(mutex_);
  return key_store_;
}

Result<void> ConfigurationKeeper::ensure_key_store(Volume& volume) {
  std::array<std::string, 2> held;
  for (const std::uint64_t file : kKeyStoreFiles) held[file] = read_key_store_file(volume, file);
  if (held[0] == key_store_ || held[1] == key_store_) return {};
  // Whoever opens this volume after a crash right here needs what its superblock names.
  const crypto::Digest named = key_store_named_on(volume);
  const std::uint64_t file = crypto::digest(as_bytes(held[0])) == named ? 1 : 0;
  return write_file_atomically(volume.files(), crypto::key_store_file_name(file),
                               as_bytes(key_store_));
}

Result<void> ConfigurationKeeper::write_one(const Superblock& configuration, const Member& member) {
  Volume* const volume = volumes_.configurable(member.index);
  if (volume == nullptr) return fail(Errc::NotFound, "volume is not there");
  COFFER_TRY(ensure_key_store(*volume));
  const std::uint64_t sequence = ++sequences_[member.index];
  Superblock own = for_volume(configuration, member.volume, sequence);
  own.mac_key_epoch = keys_.active_epoch(crypto::KeyKind::Metadata);
  COFFER_ASSIGN(const crypto::KeyedMac mac, superblock_mac(keys_, own.mac_key_epoch, own.vault));
  COFFER_ASSIGN(const std::string bytes, encode(own, mac));
  return write_file_atomically(volume->files(), superblock_file_name(superblock_slot(sequence)),
                               as_bytes(bytes));
}

std::vector<std::uint8_t> ConfigurationKeeper::write_members(const Superblock& configuration) {
  const auto is_current = [](const Member& member) { return member.state == MemberState::Current; };
  const bool lone =
      std::count_if(configuration.members.begin(), configuration.members.end(), is_current) == 1;
  std::vector<std::uint8_t> failed;
  for (const Member& member : configuration.members) {
    if (!is_current(member)) continue;
    auto written = write_one(configuration, member);
    // No other volume could tell that a copy which fails to verify was the newer one: here both say the same.
    if (written && lone) written = write_one(configuration, member);
    if (!written) {
      log_warning("superblock of volume {} not written: {}", member.index, written.error().context);
      failed.push_back(member.index);
    }
  }
  return failed;
}

Result<void> ConfigurationKeeper::check_viable(const Superblock& next) const {
  const auto takes_part = [&](const Member& member) {
    return member.state == MemberState::Current && volumes_.configurable(member.index) != nullptr;
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
  return raise_locked(change);
}

Result<void> ConfigurationKeeper::raise_key_store(std::uint64_t generation, std::string key_store) {
  MutexLock lock(mutex_);
  const std::string before = std::exchange(key_store_, std::move(key_store));
  for (const Member& member : in_force_.members) {
    Volume* const volume = volumes_.writable(member.index);
    if (volume == nullptr || member.state != MemberState::Current) continue;
    auto written = ensure_key_store(*volume);
    if (written || written.error().code != Errc::NoSpace) continue;  // the raise leaves it out
    key_store_ = before;
    return fail(Errc::NoSpace, volume->path() + " has no room for the key slots");
  }
  const crypto::Digest digest = crypto::digest(as_bytes(key_store_));
  auto raised = raise_locked([&](Superblock& next) {
    next.key_store_generation = generation;
    next.key_store_digest = digest;
  });
  if (in_force_.key_store_digest != digest)
    key_store_ = before;  // refused before any volume was told
  return raised;
}

std::vector<std::string> ConfigurationKeeper::mirror_key_store() {
  MutexLock lock(mutex_);
  std::vector<std::string> failed;
  for (const std::uint8_t index : volumes_.with_state(VolumeSet::State::Current)) {
    Volume& volume = *volumes_.any(index);
    for (const std::uint64_t file : kKeyStoreFiles) {
      if (read_key_store_file(volume, file) == key_store_) continue;
      const auto written = write_file_atomically(volume.files(), crypto::key_store_file_name(file),
                                                 as_bytes(key_store_));
      if (written) continue;
      log_warning("key slots on volume {} not renewed: {}", index, written.error().context);
      if (failed.empty() || failed.back() != volume.path()) failed.push_back(volume.path());
    }
  }
  return failed;
}

bool ConfigurationKeeper::superblocks_sound(Volume& volume, std::uint8_t index) const {
  std::uint64_t newest = 0;
  for (const std::uint8_t slot : {std::uint8_t{0}, std::uint8_t{1}}) {
    const auto bytes =
        read_file(volume.files(), superblock_file_name(slot), ByteCount{Superblock::kBytes});
    const auto parsed = bytes ? parse_superblock(as_bytes(*bytes)) : fail(Errc::NotFound);
    if (!parsed || parsed->vault != in_force_.vault) return false;
    const auto mac = superblock_mac(keys_, parsed->mac_key_epoch, parsed->vault);
    if (!mac || !verify_superblock_mac(as_bytes(*bytes), *mac)) return false;
    newest = std::max(newest, parsed->sequence);
  }
  return newest >= sequences_[index];
}

std::vector<std::string> ConfigurationKeeper::damaged_superblocks() const {
  MutexLock lock(mutex_);
  std::vector<std::string> bad;
  for (const Member& member : in_force_.members) {
    Volume* const volume = volumes_.readable(member.index);
    if (volume == nullptr || member.state != MemberState::Current) continue;
    if (!superblocks_sound(*volume, member.index)) bad.push_back(volume->path());
  }
  return bad;
}

std::vector<std::string> ConfigurationKeeper::damaged_key_stores() const {
  MutexLock lock(mutex_);
  std::vector<std::string> bad;
  for (const Member& member : in_force_.members) {
    Volume* const volume = volumes_.readable(member.index);
    if (volume == nullptr || member.state != MemberState::Current) continue;
    const bool right = std::ranges::all_of(kKeyStoreFiles, [&](std::uint64_t file) {
      return read_key_store_file(*volume, file) == key_store_;
    });
    if (!right) bad.push_back(volume->path());
  }
  return bad;
}

ConfigurationKeeper::Mended ConfigurationKeeper::mend_superblocks() {
  MutexLock lock(mutex_);
  Mended mended;
  for (const Member& member : in_force_.members) {
    Volume* const volume = volumes_.writable(member.index);
    if (volume == nullptr || member.state != MemberState::Current) continue;
    if (superblocks_sound(*volume, member.index)) continue;
    mended.bad.push_back(volume->path());
    // In turns: whichever was bad, a good one stands beside it while it is written.
    auto written = write_one(in_force_, member);
    if (written) written = write_one(in_force_, member);
    if (!written) mended.failed.push_back(volume->path() + ": " + written.error().context);
  }
  return mended;
}

Result<void> ConfigurationKeeper::raise_locked(const std::function<void(Superblock&)>& change) {
  Superblock next = raise_epoch(in_force_);
  change(next);
  // Each round that meets a failing volume leaves one out; there are not more rounds than members.
  for (std::size_t round = 0; round <= VolumeSet::kMembersMax; ++round) {
    // Before anything is written: a configuration that could not be in force would only lock the others out.
    COFFER_TRY(check_viable(next));
    for (Member& member : next.members) {
      if (member.state == MemberState::Replaced) continue;
      if (Volume* volume = volumes_.configurable(member.index)) member.path_hint = volume->path();
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
      const VolumeUuid gone = next.member_at(index)->volume;
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
