#include "vault/vault_service.h"

#include <algorithm>
#include <optional>
#include <set>

#include "coffer/core/log.h"
#include "vault/segment/segment_store_options.h"
#include "vault/tree/access_key_service.h"
#include "vault/tree/keys.h"
#include "vault/tree/object_service.h"
#include "vault/tree/tree_service.h"
#include "vault/upkeep/cleaning.h"
#include "vault/upkeep/fsck.h"
#include "vault/volume_lock.h"

namespace coffer {
namespace {
constexpr int kSyncRoundsMax = 8;
// Attributes that wait keep their inodes in memory, whatever the cache may hold.
constexpr std::size_t kDirtyInodesMost = 20'000;
constexpr std::chrono::milliseconds kUpkeepInterval{10'000};
constexpr std::chrono::milliseconds kCleaningInterval{1'000};
}  // namespace

VaultService::VaultService(const OpenParameters& parameters) : parameters_(parameters) {}

VaultService::~VaultService() {
  if (auto closed = close(); !closed)
    log_error("vault not closed in order: {}", closed.error().context);
}

Tree& VaultService::tree() { return *tree_; }
Objects& VaultService::objects() { return *objects_; }
AccessKeys& VaultService::access_keys() { return *access_keys_; }

// ---- SegmentJournal

Result<SegmentId> VaultService::add_segment(const SegmentInfo& info) {
  COFFER_ASSIGN(const std::uint64_t number, segment_numbers_->next(1));
  const SegmentId id{number};
  std::string row;
  ByteWriter out(row);
  encode_segment_info(out, info);
  MetaBatch batch;
  batch.put(keys::segment(id), row);
  // Before the row: a segment that the ledger does not know could not be judged.
  ledger_->opened(id);
  COFFER_TRY(meta_->commit(std::move(batch)));
  return id;
}

void VaultService::segment_sealed(const SegmentInfo& info) {
  MutexLock lock(deferred_mutex_);
  sealed_rows_.push_back(info);
}

Result<void> VaultService::shards_degraded(std::span<const ShardRef> shards) {
  MutexLock lock(deferred_mutex_);
  degraded_rows_.insert(shards.begin(), shards.end());
  return {};
}

Result<void> VaultService::volume_failed(std::uint8_t member_index, const Error& why) {
  if (read_only_.load()) return fail(Errc::ReadOnly, "the vault is read-only");
  const Superblock in_force = configuration_->current();
  const Member* const member = in_force.member_at(member_index);
  // Only a synced epoch says so; the volume's state in memory may run ahead of it.
  if (member != nullptr && member->state != MemberState::Current) return {};
  log_error("volume {} failed and is not used any more: {}", member_index, why.context);
  volumes_.set_state(member_index, VolumeSet::State::Absent);
  const auto raise = [&] { return leave_configuration(member_index, MemberState::Absent); };
  auto raised = meta_ ? meta_->leave_out(member_index, raise) : raise();
  if (!raised) become_read_only(raised.error());
  return raised;
}

/// The next epoch: without this member's mirror, and with the member in this state.
Result<void> VaultService::leave_configuration(std::uint8_t member_index, MemberState state) {
  return configuration_->raise([&](Superblock& next) {
    const Member* const member = next.member_at(member_index);
    if (member == nullptr) return;
    const VolumeUuid volume = member->volume;
    std::erase_if(next.mirrors, [&](const MetaMirror& mirror) { return mirror.volume == volume; });
    if (state == MemberState::Current || member->state != MemberState::Current) return;
    if (auto changed = set_member_state(next, volume, state); !changed) {
      log_error("member {} not marked: {}", member_index, changed.error().context);
    }
  });
}

void VaultService::shard_damaged(const ShardRef& shard) {
  constexpr std::size_t kSuspectsMax = 4096;
  damaged_shards_.fetch_add(1, std::memory_order_relaxed);
  log_warning("segment {}: a shard of stripe {} does not verify; read from the others",
              shard.segment, shard.stripe);
  MutexLock lock(suspects_mutex_);
  if (suspects_.size() < kSuspectsMax) suspects_.insert(shard.segment);
}

// ---- MetaStoreOwner

Result<void> VaultService::mirror_failed(std::uint8_t member_index, const Error& why) {
  if (read_only_.load()) return fail(Errc::ReadOnly, "the vault is read-only");
  log_error("metadata mirror on volume {} failed: {}", member_index, why.context);
  auto raised = leave_configuration(member_index, MemberState::Current);
  if (!raised) become_read_only(raised.error());
  return raised;
}

// ---- durability

Result<void> VaultService::sync_data() { return segments_->sync(SegmentStore::Stripes::NewData); }

Result<void> VaultService::write_deferred_rows() {
  // One at a time, and the queue is emptied under it: who finds it empty knows that the rows are committed.
  MutexLock writing(deferred_write_mutex_);
  std::vector<SegmentInfo> sealed;
  std::set<ShardRef> degraded;
  {
    MutexLock lock(deferred_mutex_);
    sealed = sealed_rows_;
    degraded = degraded_rows_;
  }
  if (sealed.empty() && degraded.empty()) return {};
  MetaBatch batch;
  for (const SegmentInfo& info : sealed) {
    std::string row;
    ByteWriter out(row);
    encode_segment_info(out, info);
    batch.put(keys::segment(info.id), row);
  }
  for (const ShardRef& shard : degraded) {
    batch.put(keys::degraded(shard.segment, shard.stripe, shard.shard), {});
  }
  COFFER_TRY(meta_->commit(std::move(batch)));
  for (const SegmentInfo& info : sealed) ledger_->sealed(info.id);
  MutexLock lock(deferred_mutex_);
  sealed_rows_.erase(sealed_rows_.begin(),
                     sealed_rows_.begin() + static_cast<std::ptrdiff_t>(sealed.size()));
  for (const ShardRef& shard : degraded) degraded_rows_.erase(shard);
  return {};
}

Result<void> VaultService::sync() {
  if (bytes_lost_.load()) return fail(Errc::Io, "bytes that were written before are lost");
  // The log's own sync passes the barrier again; what fails there asks for rows that another round must make durable.
  for (int round = 0; round < kSyncRoundsMax; ++round) {
    if (auto synced = segments_->sync(SegmentStore::Stripes::NewData); !synced) {
      // It is said once; every later sync must say it too, for it cannot tell whose bytes they were.
      if (synced.error().code != Errc::NoSpace) {
        bytes_lost_.store(true);
        become_read_only(synced.error());
      }
      return synced;
    }
    COFFER_TRY(write_deferred_rows());
    COFFER_TRY(meta_->sync());
    MutexLock lock(deferred_mutex_);
    if (degraded_rows_.empty()) break;
  }
  ledger_->reap();
  // A round that others ran meanwhile may have lost what this call was to make durable.
  return check_intact();
}

Result<void> VaultService::check_intact() const {
  if (bytes_lost_.load() || segments_->has_lost_bytes())
    return fail(Errc::Io, "bytes that were written before are lost");
  if (meta_->failed()) return fail(Errc::Io, "the metadata store failed earlier");
  return {};
}

Result<void> VaultService::commit_and_sync() {
  // One file that cannot be committed (no space) must not keep the others' bytes from being synced, or space from
  // coming back.
  Result<void> committed = bytes_->commit_all();
  Result<void> synced = names_->sync();
  if (committed) return synced;
  return committed;
}

/// What was deleted comes back by two syncs: the rows of dead segments go after the first, their files after the second.
bool VaultService::bring_back_deleted() {
  inodes_->drain_reaper();
  bool going = ledger_->reaping();
  if (ledger_->dead_while_open()) {
    going = true;
    if (auto ended = segments_->seal_open(); !ended)
      log_warning("end of a segment without live bytes: {}", ended.error().context);
  }
  const bool freed = going;
  // A full vault is asked for room by every write: without anything on its way out there is nothing to sync for.
  for (int round = 0; going && round < 4; ++round) {
    if (!sync()) break;
    going = ledger_->reaping();
  }
  return freed;
}

bool VaultService::make_room() {
  bytes_->commit_freed();
  return bring_back_deleted() || clean_for_room();
}

void VaultService::become_read_only(const Error& why) {
  if (read_only_.exchange(true)) return;
  log_error("the vault is read-only from now on: {}", why.context);
  if (meta_) meta_->freeze();
  // Nothing is written to the volumes any more either; what was written stays readable.
  for (const std::uint8_t index : volumes_.with_state(VolumeSet::State::Current)) {
    volumes_.set_state(index, VolumeSet::State::ReadOnlyData);
  }
}

void VaultService::background() {
  if (read_only_.load()) return;
  const auto now = std::chrono::steady_clock::now();
  const bool due = now - last_commit_ >= parameters_.commit_interval ||
                   segments_->stats().bytes_unsynced >= parameters_.unsynced_bytes_max ||
                   inodes_->dirty_count() >= kDirtyInodesMost;
  const bool dirty = inodes_->dirty_count() > 0 || meta_->committed() != meta_->synced();
  // Freed space is wanted sooner than a commit that nobody asked for.
  if (ledger_->reaping() || ledger_->dead_while_open()) bring_back_deleted();
  if (!due) return;
  last_commit_ = now;
  if (!dirty) return;
  if (auto done = commit_and_sync(); !done) {
    // A sync that lost bytes has made the vault read-only itself; a file that cannot be committed is told at its next close.
    log_warning("background commit: {}", done.error().context);
  }
}

void VaultService::start_background() {
  if (read_only_.load() || parameters_.commit_interval.count() == 0) return;
  last_commit_ = std::chrono::steady_clock::now();
  const auto interval = std::min<std::chrono::milliseconds>(parameters_.commit_interval,
                                                            std::chrono::milliseconds(500));
  background_ = std::make_unique<PeriodicTask>("coffer-commit", interval, [this] { background(); });
  background_upkeep_ = std::make_unique<PeriodicTask>("coffer-upkeep", kUpkeepInterval,
                                                      [this] { background_upkeep(); });
  background_cleaning_ = std::make_unique<PeriodicTask>("coffer-clean", kCleaningInterval,
                                                        [this] { background_cleaning(); });
  lock_renewal_ = std::make_unique<PeriodicTask>("coffer-lock", VolumeLock::kInterval, [this] {
    if (auto renewed = renew_locks(); !renewed) become_read_only(renewed.error());
  });
}

void VaultService::stop_background() {
  if (background_cleaning_) background_cleaning_->stop();
  if (background_upkeep_) background_upkeep_->stop();
  if (background_) background_->stop();
  if (lock_renewal_) lock_renewal_->stop();
}

Result<void> VaultService::renew_locks() {
  ++lock_record_.counter;
  for (const std::uint8_t index : volumes_.with_state(VolumeSet::State::Current)) {
    LockRecord record = lock_record_;
    auto renewed = VolumeLock::renew(*volumes_.any(index), record);
    if (!renewed && renewed.error().code == Errc::Busy) return renewed;
    if (!renewed)
      log_warning("lock record of volume {} not renewed: {}", index, renewed.error().context);
  }
  return {};
}

// ---- fsck, close

Result<FsckReport> VaultService::fsck(const FsckOptions& options) {
  std::optional<CleaningTurn::Pause> no_cleaning;
  no_cleaning.emplace(cleaning_->turn());  // the rows of one moment; reading bears what moves
  if (!read_only_.load()) COFFER_TRY(commit_and_sync());
  inodes_->drain_reaper();
  return run_fsck(
      {meta_.get(), segments_.get(), inodes_.get(), bytes_.get(), [&] { no_cleaning.reset(); }},
      options);
}

Result<void> VaultService::close() {
  if (closed_) return {};
  closed_ = true;
  end_upkeep();
  stop_background();
  Result<void> done;
  const auto keep_first = [&done](Result<void> step) {
    if (!step && done) done = std::move(step);
  };
  if (inodes_ && !read_only_.load()) {
    inodes_->drain_reaper();
    Result<void> committed = commit_and_sync();
    if (!committed && committed.error().code == Errc::NoSpace) {
      bytes_->give_up_pending();
      committed = commit_and_sync();
    }
    keep_first(std::move(committed));
    keep_first(segments_->seal_open());
    keep_first(write_deferred_rows());
    ledger_->reap();
    // The files of dead segments go with the second sync after their last byte did.
    for (int round = 0; done && ledger_->reaping() && round < 4; ++round) keep_first(sync());
  }
  if (inodes_) inodes_->stop();
  if (meta_) keep_first(meta_->close());
  if (segments_) keep_first(segments_->close());
  // A mirror that gave wrong bytes is made anew by the next open.
  const bool sound = done && meta_ && meta_->damaged_members().empty();
  if (sound && !read_only_.load()) keep_first(configuration_->mark_clean());
  for (const std::uint8_t index : volumes_.with_state(VolumeSet::State::Current)) {
    if (claimed_) VolumeLock::release(*volumes_.any(index), lock_record_);
  }
  if (executor_) executor_->stop();
  return done;
}

}  // namespace coffer
