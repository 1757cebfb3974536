// Opening, steps 3 to 6: the metadata image, where it must be cut, fresh mirrors, the raise that names them, RocksDB.
#include <algorithm>
#include <set>

#include "coffer/core/log.h"
#include "vault/crypto/random.h"
#include "vault/segment/segment_store_options.h"
#include "vault/tree/access_key_service.h"
#include "vault/tree/keys.h"
#include "vault/tree/object_service.h"
#include "vault/tree/tree_service.h"
#include "vault/upkeep/degraded_list.h"
#include "vault/vault_opener.h"
#include "vault/volume_lock.h"

namespace coffer {

MetaStoreDeps VaultOpener::meta_deps() const {
  MetaStoreDeps deps;
  deps.keys = &vault_->keys_->ring;
  deps.vault = in_force_.vault;
  deps.boot = boot_;
  deps.barrier = vault_.get();
  deps.owner = vault_.get();
  deps.cipher = in_force_.cipher;
  return deps;
}

MetaStoreOptions VaultOpener::meta_options() const {
  MetaStoreOptions options;
  options.block_cache_bytes = vault_->budget_.metadata_bytes * 2 / 3;
  options.write_buffer_bytes = std::clamp<std::size_t>(vault_->budget_.metadata_bytes / 6,
                                                       std::size_t{4} << 20, std::size_t{64} << 20);
  return options;
}

std::vector<MirrorDirectory> VaultOpener::named_mirrors() const {
  std::vector<MirrorDirectory> named;
  for (const MetaMirror& mirror : in_force_.mirrors) {
    const Member* member = in_force_.find_member(mirror.volume);
    if (member == nullptr || vault_->volumes_.state(member->index) != VolumeSet::State::Current)
      continue;
    named.push_back(
        {member->index, mirror.directory, &vault_->volumes_.any(member->index)->files()});
  }
  return named;
}

std::size_t VaultOpener::mirrors_wanted() const {
  std::size_t there = 0;
  for (const Member& member : in_force_.members) {
    there +=
        member.state != MemberState::Replaced && vault_->volumes_.readable(member.index) != nullptr
            ? 1
            : 0;
  }
  return std::min<std::size_t>(there, in_force_.parity_shards + 1U);
}

/// As many volumes as there should be hold metadata; and a lone one holds it twice.
bool VaultOpener::well_mirrored(const std::vector<MirrorDirectory>& named) const {
  std::set<std::uint8_t> members;
  for (const MirrorDirectory& mirror : named) members.insert(mirror.member_index);
  const std::size_t wanted = mirrors_wanted();
  return named.size() == in_force_.mirrors.size() && members.size() == wanted &&
         named.size() == std::max<std::size_t>(wanted, 2);
}

/// A twin must not eat the reserve, which is for the metadata that counts, for deletes and for cleaning.
bool VaultOpener::has_room_for_twin(std::uint8_t index) const {
  Volume& volume = *vault_->volumes_.any(index);
  const auto space = volume.space();
  if (!space) return false;
  std::uint64_t needed = SegmentReserve{}.of(space->total.value());
  for (const MirrorDirectory& mirror : named_mirrors()) {
    if (mirror.member_index != index) continue;
    const auto entries = mirror.files->list("meta." + mirror.directory.value().to_string());
    if (!entries) continue;
    std::uint64_t bytes = 0;
    for (const AreaEntry& entry : *entries) bytes += entry.size.value();
    needed += bytes;
    break;  // the other one is its twin
  }
  return space->available.value() > needed;
}

/// New directories, first on volumes that hold a mirror already (tables are hard-linked there).
std::vector<MirrorDirectory> VaultOpener::fresh_mirrors() const {
  std::vector<std::uint8_t> order;
  for (const MirrorDirectory& mirror : named_mirrors()) {
    if (std::find(order.begin(), order.end(), mirror.member_index) == order.end())
      order.push_back(mirror.member_index);
  }
  for (const Member& member : in_force_.members) {
    if (std::find(order.begin(), order.end(), member.index) == order.end())
      order.push_back(member.index);
  }
  std::vector<MirrorDirectory> fresh;
  for (const std::uint8_t index : order) {
    Volume* const volume = vault_->volumes_.readable(index);
    if (volume == nullptr || fresh.size() == mirrors_wanted()) continue;
    fresh.push_back({index, DirectoryUid(crypto::random_uuid()), &volume->files()});
  }
  if (fresh.size() == 1 && has_room_for_twin(fresh[0].member_index))
    fresh.push_back({fresh[0].member_index, DirectoryUid(crypto::random_uuid()), fresh[0].files});
  return fresh;
}

/// Step 5's lock record, and the proof that each volume takes writes: one that does not is as good as away.
void VaultOpener::claim_volumes() {
  VolumeSet& volumes = vault_->volumes_;
  vault_->claimed_ = true;
  for (const VolumeSet::State state : {VolumeSet::State::Current, VolumeSet::State::ReadOnlyData}) {
    for (const std::uint8_t index : volumes.with_state(state)) {
      auto claimed = VolumeLock::claim(*volumes.any(index), vault_->lock_record_);
      if (claimed) continue;
      log_warning("{} takes no writes and is left out: {}", volumes.any(index)->path(),
                  claimed.error().context);
      volumes.set_state(index, VolumeSet::State::Absent);
      clean_ = false;
    }
  }
}

Result<void> VaultOpener::open_metadata() {
  // Before the claim, which writes: an opening that is refused has changed nothing.
  std::vector<MirrorDirectory> named = named_mirrors();
  if (!named.empty() && !read_only_) {
    claim_volumes();
    named = named_mirrors();
  }
  if (named.empty())
    return fail(Errc::NotEnoughVolumes, "no volume that is there holds current metadata");
  if (read_only_) return open_read_only(named);
  if (!clean_ || !well_mirrored(named)) return recover(named);
  COFFER_TRY(raise(named));
  COFFER_ASSIGN(vault_->meta_, MetaStore::open(MetaStore::Mode::ReadWrite, meta_deps(),
                                               still_named(named), meta_options()));
  return load_segments(*vault_->meta_, OpenSegments::Leave);
}

/// A raise may have met failing volumes and gone on without their mirrors.
std::vector<MirrorDirectory> VaultOpener::still_named(std::vector<MirrorDirectory> mirrors) const {
  const Superblock now = vault_->configuration_->current();
  std::erase_if(mirrors, [&](const MirrorDirectory& mirror) {
    return std::none_of(now.mirrors.begin(), now.mirrors.end(), [&](const MetaMirror& named) {
      return named.directory == mirror.directory;
    });
  });
  return mirrors;
}

Result<void> VaultOpener::open_read_only(const std::vector<MirrorDirectory>& named) {
  vault_->read_only_ = true;
  std::vector<MirrorDirectory> mirrors = named;
  if (!clean_) {
    COFFER_ASSIGN(const auto image, MetaImage::inspect(meta_deps(), named));
    mirrors = best_first(named, *image);
  }
  COFFER_ASSIGN(vault_->meta_,
                MetaStore::open(MetaStore::Mode::ReadOnly, meta_deps(), mirrors, meta_options()));
  return load_segments(*vault_->meta_, OpenSegments::Leave);
}

/// What survived kill -9 only in the page cache must not be trusted by what follows.
Result<void> VaultOpener::sync_mirror_files(std::vector<MirrorDirectory>& named) const {
  std::vector<MirrorDirectory> sound;
  for (const MirrorDirectory& mirror : named) {
    const std::string directory = "meta." + mirror.directory.value().to_string();
    const auto sync_all = [&]() -> Result<void> {
      COFFER_ASSIGN(const std::vector<AreaEntry> entries, mirror.files->list(directory));
      for (const AreaEntry& entry : entries) {
        COFFER_ASSIGN(const auto file, mirror.files->open(directory + "/" + entry.name));
        COFFER_TRY(file->sync());
      }
      return mirror.files->sync_directory(directory);
    };
    if (auto synced = sync_all())
      sound.push_back(mirror);
    else
      log_warning("metadata mirror on volume {} is left out: {}", mirror.member_index,
                  synced.error().context);
  }
  if (sound.empty()) return fail(Errc::Io, "no metadata mirror can be synced");
  named = std::move(sound);
  return {};
}

/// Which segments were open; and after a power loss, where the tail names bytes that are not there.
Result<void> VaultOpener::examine_tail(const std::vector<MirrorDirectory>& mirrors,
                                       MetaImage& image) {
  {
    COFFER_ASSIGN(const auto meta,
                  MetaStore::open(MetaStore::Mode::ReadOnly, meta_deps(), mirrors, meta_options()));
    COFFER_TRY(load_segments(*meta, OpenSegments::Sync));
  }
  const bool same_boot = !boot_.is_nil() && image.boot() == boot_;
  if (same_boot) return {};
  const std::vector<MetaTailFrame>& tail = image.tail();
  for (std::size_t i = 0; i < tail.size(); ++i) {
    for (const Reference& reference : tail[i].needs) {
      if (vault_->segments_->verify(reference.place)) continue;
      log_info(
          "power loss: {} unsynced commits at the end are dropped, their bytes are not on the "
          "volumes",
          tail.size() - i);
      image.cut(i);
      return {};
    }
  }
  return {};
}

/// The best mirror first; the others stand in for blocks of it that do not verify.
std::vector<MirrorDirectory> VaultOpener::best_first(std::vector<MirrorDirectory> named,
                                                     const MetaImage& image) {
  std::stable_partition(named.begin(), named.end(), [&](const MirrorDirectory& mirror) {
    return mirror.directory == image.best().directory;
  });
  return named;
}

/// The image, in fresh directories. A full disk may have no room for a twin: the vault opens without, and tries again next time.
Result<std::vector<MirrorDirectory>> VaultOpener::write_mirrors(MetaImage& image) const {
  std::vector<MirrorDirectory> fresh = fresh_mirrors();
  const auto written = image.establish(fresh);
  if (written) return fresh;
  const bool has_twin = fresh.size() == 2 && fresh[0].member_index == fresh[1].member_index;
  if (!has_twin) return fail(written.error());
  log_warning("no second copy of the metadata on volume {}: {}", fresh[0].member_index,
              written.error().context);
  for (const MirrorDirectory& begun : fresh)
    COFFER_TRY(remove_meta_directory(*begun.files, begun.directory));
  fresh = fresh_mirrors();
  fresh.resize(1);
  COFFER_TRY(image.establish(fresh));
  return fresh;
}

Result<void> VaultOpener::recover(std::vector<MirrorDirectory> named) {
  if (!clean_) COFFER_TRY(sync_mirror_files(named));
  COFFER_ASSIGN(const auto image, MetaImage::inspect(meta_deps(), named));
  if (image->damaged()) {
    log_error("synced metadata is missing on every mirror: the vault is opened read-only");
    read_only_ = true;
    vault_->read_only_ = true;
    COFFER_ASSIGN(vault_->meta_, MetaStore::open(MetaStore::Mode::ReadOnly, meta_deps(),
                                                 best_first(named, *image), meta_options()));
    return load_segments(*vault_->meta_, OpenSegments::Leave);
  }
  remove_unnamed();  // what a recovery that was cut short left behind: it takes space that this one needs
  COFFER_TRY(examine_tail(best_first(named, *image), *image));
  COFFER_ASSIGN(const std::vector<MirrorDirectory> fresh, write_mirrors(*image));
  COFFER_TRY(raise(fresh));
  COFFER_ASSIGN(vault_->meta_, MetaStore::open(MetaStore::Mode::ReadWrite, meta_deps(),
                                               still_named(fresh), meta_options()));
  return load_segments(*vault_->meta_, OpenSegments::Leave);
}

/// Step 5: from here on this opening is the vault's history. Volumes that are away are out; volumes that came back take part
/// again: their shards are all in rows that say so, and their metadata was made anew or is not used.
Result<void> VaultOpener::raise(const std::vector<MirrorDirectory>& mirrors) {
  VolumeSet& volumes = vault_->volumes_;
  for (const Member& member : in_force_.members) {
    if (volumes.readable(member.index) != nullptr)
      volumes.set_state(member.index, VolumeSet::State::Current);
  }
  Result<void> changed;
  COFFER_TRY(vault_->configuration_->raise([&](Superblock& next) {
    std::vector<std::pair<VolumeUuid, MemberState>> states;
    for (const Member& member : next.members) {
      if (member.state == MemberState::Replaced || member.state == MemberState::Empty) continue;
      const bool there = volumes.readable(member.index) != nullptr;
      const MemberState wanted = there                                  ? MemberState::Current
                                 : member.state == MemberState::Current ? MemberState::Absent
                                                                        : member.state;
      if (wanted != member.state) states.emplace_back(member.volume, wanted);
    }
    for (const auto& [volume, state] : states) {
      if (auto set = set_member_state(next, volume, state); !set) changed = std::move(set);
    }
    next.mirrors.clear();
    for (const MirrorDirectory& mirror : mirrors) {
      next.mirrors.push_back({next.member_at(mirror.member_index)->volume, mirror.directory});
    }
  }));
  vault_->segments_->volumes_changed();
  return changed;
}

Result<void> VaultOpener::load_segments(MetaStore& meta, OpenSegments open_ones) {
  was_open_.clear();
  on_rolled_back_.clear();
  const std::string from(1, keys::kSegment);
  auto rows = meta.cursor(from, keys::prefix_end(from));
  for (rows->seek(from); rows->valid(); rows->next()) {
    ByteReader in(rows->value());
    const SegmentInfo info =
        decode_segment_info(SegmentId{keys::inode_of(rows->key()).value()}, in);
    if (!in.ok()) return fail(Errc::Corrupt, "segment row");
    vault_->segments_->add_known(info);
    if (info.state == SegmentInfo::State::Open) {
      was_open_.push_back(info);
    } else if (std::any_of(info.members.begin(), info.members.end(),
                           [&](std::uint8_t member) { return rolled_back_.contains(member); })) {
      on_rolled_back_.push_back(info);
    }
  }
  COFFER_TRY(rows->status());
  rows.reset();
  COFFER_ASSIGN(const auto listed, DegradedList(meta).read());
  for (const auto& [segment, shards] : listed) {
    for (std::uint32_t slot = 0; slot < kStripeShardsMax; ++slot)
      if ((shards.slots >> slot & 1U) != 0) vault_->segments_->mark_missing(segment, slot);
  }
  if (open_ones == OpenSegments::Leave) return {};
  for (const SegmentInfo& info : was_open_) {
    if (auto lost = vault_->segments_->sync_known(info.id); !lost)
      return fail(std::move(lost).error());
  }
  return {};
}

}  // namespace coffer
