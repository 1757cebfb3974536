// Opening, steps 1 and 2 (volumes, who is current) and the last (the faces); the others are in vault_opener_keys.cc,
// vault_opener_metadata.cc and vault_opener_repair.cc.
#include "vault/vault_opener.h"

#include <algorithm>
#include <thread>

#include "coffer/core/log.h"
#include "vault/crypto/random.h"
#include "vault/segment/segment_store_options.h"
#include "vault/tree/access_key_service.h"
#include "vault/tree/object_service.h"
#include "vault/tree/tree_service.h"
#include "vault/upkeep/cleaning.h"
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
      log_warning("{} has no readable superblock", volume->path());
      unreadable_.push_back(std::move(volume));
      continue;
    }
    found.superblock = std::move(chosen->superblock);
    found.volume = std::move(volume);
    found_.push_back(std::move(found));
  }
  if (found_.empty()) return fail(Errc::NotEnoughVolumes, "no volume with a readable superblock");
  return {};
}

// ---- 2: who is current (the keys: vault_opener_keys.cc)

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
  adopt_unreadable();
  vault_->uuid_ = in_force_.vault.value();
  vault_->configuration_ = std::make_unique<ConfigurationKeeper>(
      vault_->volumes_, vault_->keys_->ring, std::move(state), in_force_, key_store_, sequences);
  return {};
}

/// A volume whose superblock copies are all damaged is known by where it was and by its key slots, and counted for nothing
/// until its shards were looked through: it is treated as one that was put back from an old copy. The next raise writes it a
/// superblock.
void VaultOpener::adopt_unreadable() {
  for (std::unique_ptr<Volume>& volume : unreadable_) {
    const auto member =
        std::find_if(in_force_.members.begin(), in_force_.members.end(), [&](const Member& m) {
          return m.path_hint == volume->path() && m.state != MemberState::Replaced &&
                 m.state != MemberState::Empty && vault_->volumes_.any(m.index) == nullptr;
        });
    if (member == in_force_.members.end() || !has_our_key_slots(*volume)) {
      log_warning("{} is left out: nothing tells which volume it is", volume->path());
      continue;
    }
    log_warning("{} is taken for volume {} and gets a new superblock", volume->path(),
                member->index);
    rolled_back_.insert(member->index);
    clean_ = false;
    vault_->volumes_.set(member->index, std::move(volume), VolumeSet::State::ReadOnlyData);
  }
  unreadable_.clear();
}

void VaultOpener::make_parts() {
  VaultService& vault = *vault_;
  const unsigned workers = parameters_.workers > 0
                               ? parameters_.workers
                               : std::max(1U, std::thread::hardware_concurrency());
  vault.budget_ = MemoryBudget::split(parameters_.memory_bytes > 0 ? parameters_.memory_bytes
                                                                   : default_memory_bytes());
  vault.key_service_ = std::make_unique<KeyService>(
      KeyService::Deps{vault.configuration_.get(), [&vault] { return vault.read_only_.load(); },
                       [&vault](const Error& why) { vault.become_read_only(why); }});
  vault.executor_ = std::make_unique<Executor>(Executor::Options{"coffer-work", workers + 1, 1024});
  vault.key_source_ = std::make_unique<KeyRingSource>(vault.keys_->ring);
  SegmentStoreOptions options;
  options.k = in_force_.data_shards;
  options.m = in_force_.parity_shards;
  if (parameters_.shard_bytes_max > 0) options.shard_bytes_max = parameters_.shard_bytes_max;
  options.chunk_cache_bytes = vault.budget_.chunk_cache_bytes;
  options.volume_deadline = parameters_.volume_deadline;
  options.on_seal = parameters_.on_seal;
  vault.segments_ = std::make_unique<SegmentStore>(segment_deps(), options);
}

SegmentStoreDeps VaultOpener::segment_deps() {
  VaultService& vault = *vault_;
  return {vault.volumes_,  *vault.key_source_,    vault.codes_,
          vault.buffers_,  vault.executor_.get(), vault,
          in_force_.vault, in_force_.cipher};
}

// ---- 8: the faces

Result<void> VaultOpener::finish() {
  VaultService& vault = *vault_;
  MetaStore& meta = *vault.meta_;
  vault.segment_numbers_ = std::make_unique<Numbers>(meta, "next-segment");
  vault.ledger_ = std::make_unique<SegmentLedger>(meta, *vault.segments_);
  vault.pending_room_ = std::make_unique<PendingRoom>([&vault] { return vault.segments_->room(); });
  // Of the memory for names and attributes: three eighths for attributes alone, three for whole inodes (1 KiB each), one each for
  // names and listings.
  const std::size_t eighth = vault.budget_.attribute_bytes / 8;
  vault.inodes_ = std::make_unique<InodeStore>(
      InodeStore::Deps{&meta, vault.segments_.get(), vault.ledger_.get(),
                       std::max<std::size_t>(3 * eighth / 1024, 4096), 3 * eighth});
  vault.bytes_ = std::make_unique<FileBytes>(
      FileBytes::Deps{&meta, vault.segments_.get(), vault.ledger_.get(), vault.inodes_.get(),
                      [&vault] { return vault.make_room(); },
                      [&vault] { return vault.check_intact(); }, vault.pending_room_.get()});
  Namespace::Deps names;
  names.meta = &meta;
  names.segments = vault.segments_.get();
  names.ledger = vault.ledger_.get();
  names.inodes = vault.inodes_.get();
  names.bytes = vault.bytes_.get();
  names.feed = &vault.feed_;
  names.name_cache_bytes = eighth;
  names.listing_cache_bytes = eighth;
  names.sync = [&vault] { return vault.sync(); };
  names.space = [&vault] { return vault.space(); };
  vault.names_ = std::make_unique<Namespace>(names);
  vault.tree_ = std::make_unique<TreeService>(*vault.names_);
  vault.objects_ = std::make_unique<ObjectService>(*vault.names_);
  COFFER_ASSIGN(vault.access_keys_, AccessKeyService::load(meta));
  COFFER_TRY(vault.ledger_->load());
  COFFER_TRY(vault.names_->versions().load());
  if (!read_only_) {
    vault.configuration_->mirror_key_store();
    remove_unnamed();
    remove_dead_shards();
    COFFER_TRY(protect_again());
    COFFER_TRY(vault.inodes_->queue_orphans());
  }
  // Recovery knows nothing of cleaning.
  vault.cleaning_ = std::make_unique<Cleaning>(
      CleaningDeps{&meta, vault.segments_.get(), vault.ledger_.get(), vault.inodes_.get(),
                   vault.bytes_.get(), [&vault] { return vault.sync(); }});
  if (!read_only_) vault.start_background();
  // Only now: what failed before must not be closed as if it had been in order.
  vault.closed_ = false;
  return {};
}

}  // namespace coffer
