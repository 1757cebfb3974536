#include "vault/vault_opener.h"

#include <algorithm>
#include <set>
#include <thread>

#include "coffer/core/log.h"
#include "vault/crypto/random.h"
#include "vault/segment/segment_scan.h"
#include "vault/segment/segment_store_options.h"
#include "vault/tree/access_key_service.h"
#include "vault/tree/keys.h"
#include "vault/tree/object_service.h"
#include "vault/tree/tree_service.h"
#include "vault/volume/io_wait.h"
#include "vault/volume_lock.h"

namespace coffer {

Result<std::unique_ptr<VaultService>> VaultService::open(
    std::vector<std::unique_ptr<Volume>> volumes, const OpenParameters& parameters,
    const Credential& credential) {
  return VaultOpener(parameters, credential).open(std::move(volumes));
}

Result<std::unique_ptr<VaultService>> VaultOpener::open(
    std::vector<std::unique_ptr<Volume>> volumes) {
  vault_ = std::unique_ptr<VaultService>(new VaultService(parameters_));
  // Until everything is in place there is nothing that closing would have to commit.
  vault_->closed_ = true;
  boot_ = parameters_.boot.is_nil() ? boot_id() : parameters_.boot;
  vault_->lock_record_ = VolumeLock::mine(SessionUuid(crypto::random_uuid()));
  COFFER_TRY(read_superblocks(std::move(volumes)));
  COFFER_TRY(unlock());
  COFFER_TRY(verify_superblocks());
  COFFER_TRY(assess_volumes());
  make_parts();
  COFFER_TRY(open_metadata());
  COFFER_TRY(finish());
  return std::move(vault_);
}

// ---- 1: locks and superblocks

Result<void> VaultOpener::read_superblocks(std::vector<std::unique_ptr<Volume>> volumes) {
  for (std::unique_ptr<Volume>& volume : volumes) {
    if (auto taken = VolumeLock::take(*volume, vault_->lock_record_); !taken) {
      if (taken.error().code == Errc::Busy) return taken;
      log_warning("{} cannot be locked and is left out: {}", volume->path(), taken.error().context);
      continue;
    }
    Found found;
    for (std::uint8_t slot = 0; slot < 2; ++slot) {
      auto bytes =
          read_file(volume->files(), superblock_file_name(slot), ByteCount{Superblock::kBytes});
      if (bytes) found.copies[slot] = std::move(*bytes);
    }
    auto chosen = choose_copy(as_bytes(found.copies[0]), as_bytes(found.copies[1]));
    if (!chosen) {
      log_warning("{} has no readable superblock and is left out", volume->path());
      continue;
    }
    found.superblock = std::move(chosen->superblock);
    found.volume = std::move(volume);
    found_.push_back(std::move(found));
  }
  if (found_.empty()) return fail(Errc::NotEnoughVolumes, "no volume with a readable superblock");
  return {};
}

// ---- 2: keys, MACs, who is current

Result<void> VaultOpener::unlock() {
  const auto newest = std::max_element(
      found_.begin(), found_.end(),
      [](const Found& a, const Found& b) { return a.superblock.epoch < b.superblock.epoch; });
  for (const Found& found : found_) {
    for (const std::uint64_t generation : {std::uint64_t{0}, std::uint64_t{1}}) {
      const auto bytes = read_file(found.volume->files(), crypto::key_store_file_name(generation),
                                   ByteCount{crypto::KeyStore::kBytesMax});
      if (!bytes || crypto::digest(as_bytes(*bytes)) != newest->superblock.key_store_digest)
        continue;
      const auto store = crypto::KeyStore::parse(as_bytes(*bytes));
      if (!store) continue;
      COFFER_ASSIGN(crypto::UnlockedKeys keys, store->unlock(credential_));
      vault_->keys_ = std::make_unique<crypto::UnlockedKeys>(std::move(keys));
      vault_->key_store_bytes_ = *bytes;
      return {};
    }
  }
  return fail(Errc::Corrupt, "no volume holds the key slots in force");
}

Result<void> VaultOpener::verify_superblocks() {
  std::vector<Found> genuine;
  for (Found& found : found_) {
    std::optional<Superblock> best;
    for (const std::string& copy : found.copies) {
      const auto parsed = parse_superblock(as_bytes(copy));
      if (!parsed) continue;
      const auto mac = superblock_mac(vault_->keys_->ring, parsed->mac_key_epoch, parsed->vault);
      if (!mac || !verify_superblock_mac(as_bytes(copy), *mac)) continue;
      if (!best || parsed->sequence > best->sequence) best = *parsed;
    }
    if (!best) {
      log_warning("{}: its superblock does not verify; the volume is left out",
                  found.volume->path());
      continue;
    }
    found.superblock = std::move(*best);
    genuine.push_back(std::move(found));
  }
  found_ = std::move(genuine);
  if (found_.empty()) return fail(Errc::Corrupt, "no superblock verifies");
  return {};
}

namespace {
/// The volume is as the others remember it: marked out in an epoch that follows what it holds. Anything else (an old copy put
/// back, say) may lack shards that no row calls missing.
bool left_in_order(const Member& member, const Superblock& own) {
  return member.state != MemberState::Current && configuration_digest(own) == member.last_digest;
}
}  // namespace

Result<void> VaultOpener::assess_volumes() {
  std::vector<Superblock> seen;
  for (const Found& found : found_) seen.push_back(found.superblock);
  StateFile state(parameters_.state_directory, seen.front().vault);
  COFFER_ASSIGN(const Assessment assessment, assess(seen, state.known()));
  in_force_ = seen[assessment.newest];
  standings_ = assessment.standings;
  access_ = assessment.access;
  read_only_ = parameters_.read_only || access_ != Access::ReadWrite;
  if (access_ == Access::ReadOnlyPossiblyStale) {
    log_warning(
        "half of the volumes or fewer are there, and this machine does not know that they are the "
        "newest: read-only");
  } else if (access_ == Access::ReadOnlyRolledBack) {
    log_warning("this machine has seen a newer state of the vault: read-only");
  } else if (access_ == Access::ReadOnlyTooManyLost) {
    log_warning("more volumes are lost than the vault has parity for: read-only");
  } else if (access_ == Access::ReadOnlyFeatures) {
    log_warning("the vault has features that this version must not write: read-only");
  }
  clean_ = true;
  std::array<std::uint64_t, VolumeSet::kMembersMax> sequences{};
  for (std::size_t i = 0; i < found_.size(); ++i) {
    Found& found = found_[i];
    const Member* member = in_force_.find_member(found.superblock.volume);
    if (standings_[i] == VolumeStanding::NotMember || standings_[i] == VolumeStanding::Empty ||
        member == nullptr) {
      log_warning("{} does not belong to the vault any more and is left out", found.volume->path());
      continue;
    }
    const bool current = standings_[i] == VolumeStanding::Current;
    if (current)
      clean_ = clean_ && found.superblock.clean && found.superblock.epoch == in_force_.epoch;
    sequences[member->index] = found.superblock.sequence;
    // One epoch behind may be a raise that a crash cut short, or an old copy put back: only looking tells.
    const bool as_we_left_it = current && found.superblock.epoch == in_force_.epoch;
    if (!as_we_left_it && !left_in_order(*member, found.superblock)) {
      log_warning(
          "{} is not as it was when it was last used: what it should hold is looked through",
          found.volume->path());
      rolled_back_.insert(member->index);
    }
    vault_->volumes_.set(member->index, std::move(found.volume),
                         current ? VolumeSet::State::Current : VolumeSet::State::ReadOnlyData);
  }
  vault_->uuid_ = in_force_.vault.value();
  vault_->configuration_ = std::make_unique<ConfigurationKeeper>(
      vault_->volumes_, vault_->keys_->ring, std::move(state), in_force_, sequences);
  return {};
}

void VaultOpener::make_parts() {
  VaultService& vault = *vault_;
  const unsigned workers = parameters_.workers > 0
                               ? parameters_.workers
                               : std::max(1U, std::thread::hardware_concurrency());
  vault.budget_ = MemoryBudget::split(parameters_.memory_bytes > 0 ? parameters_.memory_bytes
                                                                   : default_memory_bytes());
  vault.executor_ = std::make_unique<Executor>(Executor::Options{"coffer-work", workers + 1, 1024});
  vault.key_source_ = std::make_unique<KeyRingSource>(vault.keys_->ring);
  SegmentStoreOptions options;
  options.k = in_force_.data_shards;
  options.m = in_force_.parity_shards;
  if (parameters_.shard_bytes_max > 0) options.shard_bytes_max = parameters_.shard_bytes_max;
  options.chunk_cache_bytes = vault.budget_.chunk_cache_bytes;
  options.on_seal = parameters_.on_seal;
  vault.segments_ = std::make_unique<SegmentStore>(segment_deps(), options);
}

SegmentStoreDeps VaultOpener::segment_deps() {
  VaultService& vault = *vault_;
  return {vault.volumes_,  *vault.key_source_,    vault.codes_,
          vault.buffers_,  vault.executor_.get(), vault,
          in_force_.vault, in_force_.cipher};
}

// ---- 3 to 6: metadata

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

/// New directories, first on volumes that hold a mirror already (tables are hard-linked there).
std::vector<MirrorDirectory> VaultOpener::fresh_mirrors() const {
  std::vector<std::uint8_t> order;
  for (const MirrorDirectory& mirror : named_mirrors()) order.push_back(mirror.member_index);
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
  return fresh;
}

/// Step 5's lock record, and the proof that each volume takes writes: one that does not is as good as away.
void VaultOpener::claim_volumes() {
  VolumeSet& volumes = vault_->volumes_;
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
  if (!read_only_) claim_volumes();
  const std::vector<MirrorDirectory> named = named_mirrors();
  if (named.empty())
    return fail(Errc::NotEnoughVolumes, "no volume that is there holds current metadata");
  if (read_only_) return open_read_only(named);
  if (!clean_ || named.size() != in_force_.mirrors.size() || named.size() != mirrors_wanted())
    return recover(named);
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
  const std::vector<MirrorDirectory> fresh = fresh_mirrors();
  COFFER_TRY(image->establish(fresh));
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
      const auto member =
          std::find_if(next.members.begin(), next.members.end(),
                       [&](const Member& m) { return m.index == mirror.member_index; });
      next.mirrors.push_back({member->volume, mirror.directory});
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
  if (open_ones == OpenSegments::Leave) return {};
  for (const SegmentInfo& info : was_open_) {
    if (auto lost = vault_->segments_->sync_known(info.id); !lost)
      return fail(std::move(lost).error());
  }
  return {};
}

// ---- 7 and 8

/// Metadata directories that no configuration names any more.
void VaultOpener::remove_unnamed() {
  const Superblock now = vault_->configuration_->current();
  for (const std::uint8_t index : vault_->volumes_.with_state(VolumeSet::State::Current)) {
    FileArea& files = vault_->volumes_.any(index)->files();
    const auto entries = files.list("");
    if (!entries) continue;
    for (const AreaEntry& entry : *entries) {
      if (!entry.directory || !entry.name.starts_with("meta.")) continue;
      const auto uid = Uuid::parse(std::string_view(entry.name).substr(5));
      if (!uid) continue;
      const bool named =
          std::any_of(now.mirrors.begin(), now.mirrors.end(),
                      [&](const MetaMirror& mirror) { return mirror.directory.value() == *uid; });
      if (named) continue;
      if (auto removed = remove_meta_directory(files, DirectoryUid(*uid)); !removed) {
        log_warning("old metadata directory on volume {} stays: {}", index,
                    removed.error().context);
      }
    }
  }
}

/// Shard files of segments that no row knows: begun just before a crash, or removed while the volume was away.
void VaultOpener::remove_dead_shards() {
  std::set<std::string> known;
  const std::string from(1, keys::kSegment);
  auto rows = vault_->meta_->cursor(from, keys::prefix_end(from));
  for (rows->seek(from); rows->valid(); rows->next()) {
    ByteReader in(rows->value());
    known.insert(decode_segment_info(SegmentId{keys::inode_of(rows->key()).value()}, in)
                     .uid.value()
                     .to_string());
  }
  if (!rows->status()) return;
  for (const std::uint8_t index : vault_->volumes_.with_state(VolumeSet::State::Current)) {
    ShardStore& shards = vault_->volumes_.any(index)->shards();
    IoWait<std::vector<std::string>> listing;
    shards.list(listing.completion());
    const auto names = listing.wait();
    if (!names) continue;
    for (const std::string& name : *names) {
      if (known.contains(name)) continue;
      IoWait<void> removal;
      shards.remove(name, removal.completion());
      if (auto removed = removal.wait(); !removed) {
        log_warning("dead shard file on volume {} stays: {}", index, removed.error().context);
      }
    }
  }
}

/// What stands in the segments that were open: which stripes were closed, and which of their shards are not there.
Result<void> VaultOpener::scan_segments(std::span<const SegmentInfo> segments,
                                        std::map<SegmentId, std::set<std::uint32_t>>& closed,
                                        std::vector<ShardRef>& missing) {
  SegmentScan scan(segment_deps());
  for (const SegmentInfo& info : segments) {
    std::set<std::uint32_t>& stripes = closed[info.id];
    COFFER_TRY(scan.scan(info, SegmentScan::Depth::Headers, [&](const StripeFinding& found) {
      stripes.insert(found.header.stripe);
      for (std::uint8_t shard = 0; shard < info.k + info.m; ++shard) {
        const ShardFinding::State state = found.shards[shard].state;
        if (state == ShardFinding::State::Good || state == ShardFinding::State::Unused) continue;
        missing.push_back({info.id, found.header.stripe, shard});
      }
      return true;
    }));
  }
  return {};
}

/// Extents in stripes that never got their parity. All rows are looked at: the log that named them may be gone since an opening
/// that was cut short.
Result<std::vector<Reference>> VaultOpener::unprotected_extents(
    const std::map<SegmentId, std::set<std::uint32_t>>& closed) {
  std::vector<Reference> found;
  const auto look_at = [&](InodeId inode, const Extent& extent) {
    if (extent.is_inline) return;
    const auto segment = closed.find(extent.place.segment);
    if (segment == closed.end() || segment->second.contains(extent.place.stripe)) return;
    found.push_back(
        {inode, ByteOffset{extent.offset}, ByteCount{extent.length}, extent.place, extent.skip});
  };
  const std::string inodes(1, keys::kInode);
  auto rows = vault_->meta_->cursor(inodes, keys::prefix_end(inodes));
  for (rows->seek(inodes); rows->valid(); rows->next()) {
    const InodeId id = keys::inode_of(rows->key());
    COFFER_ASSIGN(const InodeRecord record, decode_inode(id, rows->value()));
    COFFER_ASSIGN(const std::vector<Extent> extents, decode_extents(record.extents));
    for (const Extent& extent : extents) look_at(id, extent);
  }
  COFFER_TRY(rows->status());
  const std::string extents(1, keys::kExtent);
  rows = vault_->meta_->cursor(extents, keys::prefix_end(extents));
  for (rows->seek(extents); rows->valid(); rows->next()) {
    ByteReader in(rows->value());
    COFFER_ASSIGN(const Extent extent, decode_extent(keys::second_number_of(rows->key()), in));
    look_at(keys::inode_of(rows->key()), extent);
  }
  COFFER_TRY(rows->status());
  return found;
}

/// Step 7: what was written out but whose stripe never got its parity is sealed again, in new stripes; what closed stripes lack
/// goes onto the degraded list. A segment's row stays open until that is done, so that no later opening forgets it.
Result<void> VaultOpener::protect_again() {
  if (was_open_.empty() && on_rolled_back_.empty()) return {};
  std::map<SegmentId, std::set<std::uint32_t>> closed;
  std::map<SegmentId, std::set<std::uint32_t>> not_asked;
  std::vector<ShardRef> missing;
  COFFER_TRY(scan_segments(on_rolled_back_, not_asked, missing));
  COFFER_TRY(scan_segments(was_open_, closed, missing));
  COFFER_ASSIGN(const std::vector<Reference> unprotected, unprotected_extents(closed));
  std::set<SegmentId> not_done;
  for (const Reference& reference : unprotected) {
    auto inode = vault_->inodes_->get(reference.inode);
    auto resealed =
        inode ? vault_->bytes_->seal_again(*inode, reference) : Result<void>(fail(inode.error()));
    if (resealed) continue;
    // Its volume is away, or space is short: the bytes stay where they are, without parity.
    not_done.insert(reference.place.segment);
    log_warning("inode {}: an unprotected extent could not be sealed again: {}", reference.inode,
                resealed.error().context);
  }
  if (!unprotected.empty())
    log_info("{} extents without parity were looked at", unprotected.size());
  COFFER_TRY(vault_->commit_and_sync());
  MetaBatch batch;
  for (const ShardRef& shard : missing)
    batch.put(keys::degraded(shard.segment, shard.stripe, shard.shard), {});
  for (SegmentInfo info : was_open_) {
    if (not_done.contains(info.id)) continue;
    info.state = SegmentInfo::State::Sealed;
    std::string row;
    ByteWriter out(row);
    encode_segment_info(out, info);
    batch.put(keys::segment(info.id), row);
  }
  COFFER_TRY(vault_->meta_->commit(std::move(batch)));
  return vault_->commit_and_sync();
}

/// A damaged copy of the key slots is replaced by a good one.
void VaultOpener::mend_copies() {
  for (const std::uint8_t index : vault_->volumes_.with_state(VolumeSet::State::Current)) {
    FileArea& files = vault_->volumes_.any(index)->files();
    for (const std::uint64_t generation : {std::uint64_t{0}, std::uint64_t{1}}) {
      const std::string name = crypto::key_store_file_name(generation);
      const auto there = read_file(files, name, ByteCount{crypto::KeyStore::kBytesMax});
      if (there && *there == vault_->key_store_bytes_) continue;
      if (auto mended = write_file_atomically(files, name, as_bytes(vault_->key_store_bytes_));
          !mended) {
        log_warning("key slots on volume {} not mended: {}", index, mended.error().context);
      }
    }
  }
}

Result<void> VaultOpener::finish() {
  VaultService& vault = *vault_;
  MetaStore& meta = *vault.meta_;
  vault.segment_numbers_ = std::make_unique<Numbers>(meta, "next-segment");
  vault.ledger_ = std::make_unique<SegmentLedger>(meta, *vault.segments_);
  vault.inodes_ = std::make_unique<InodeStore>(
      InodeStore::Deps{&meta, vault.segments_.get(), vault.ledger_.get(),
                       std::max<std::size_t>(vault.budget_.attribute_bytes / 1024, 4096)});
  vault.bytes_ = std::make_unique<FileBytes>(
      FileBytes::Deps{&meta, vault.segments_.get(), vault.ledger_.get(), vault.inodes_.get(),
                      [&vault] { return vault.make_room(); }});
  Namespace::Deps names;
  names.meta = &meta;
  names.segments = vault.segments_.get();
  names.ledger = vault.ledger_.get();
  names.inodes = vault.inodes_.get();
  names.bytes = vault.bytes_.get();
  names.feed = &vault.feed_;
  names.sync = [&vault] { return vault.sync(); };
  names.space = [&vault] { return vault.space(); };
  vault.names_ = std::make_unique<Namespace>(names);
  vault.tree_ = std::make_unique<TreeService>(*vault.names_);
  vault.objects_ = std::make_unique<ObjectService>(*vault.names_);
  COFFER_ASSIGN(vault.access_keys_, AccessKeyService::load(meta));
  COFFER_TRY(vault.ledger_->load());
  if (!read_only_) {
    mend_copies();
    remove_unnamed();
    remove_dead_shards();
    COFFER_TRY(protect_again());
    COFFER_TRY(vault.inodes_->queue_orphans());
    vault.start_background();
  }
  // Only now: what failed before must not be closed as if it had been in order.
  vault.closed_ = false;
  return {};
}

}  // namespace coffer
