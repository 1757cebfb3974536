#include <algorithm>
#include <chrono>

#include "coffer/core/log.h"
#include "vault/tree/inode_store_impl.h"

namespace coffer {
namespace {

// A commit of its own for every unlinked inode made unlink(2) twice as slow: the two wait for each other.
constexpr std::size_t kReapAtOnce = 64;
constexpr std::chrono::milliseconds kReapPause{20};
constexpr std::size_t kSmallExtents = 16;

}  // namespace

void InodeStore::set_users(InodeUsers* users) { impl_->users.store(users); }

void InodeStore::add_reader(Inode& inode) { ++inode.readers; }

void InodeStore::drop_reader(const InodeRef& inode) {
  bool last_of_unlinked = false;
  {
    ExclusiveLock lock(inode->mutex);
    last_of_unlinked =
        --inode->readers == 0 && inode->record.attributes.nlink == 0 && !inode->reclaimed;
  }
  if (last_of_unlinked) reclaim_later(inode->id);
}

void InodeStore::forgotten(InodeId id) {
  {
    MutexLock lock(impl_->reaper_mutex);
    if (impl_->awaiting_users.erase(id) == 0) return;
  }
  reclaim_later(id);
}

void InodeStore::reclaim_later(InodeId id) {
  MutexLock lock(impl_->reaper_mutex);
  impl_->reap_queue.push_back(id);
  // In between it waits for more of them, or works.
  const std::size_t waiting = impl_->reap_queue.size();
  if (waiting == 1 || waiting == kReapAtOnce) impl_->reaper_wakes.notify_all();
}

Result<void> InodeStore::queue_orphans() {
  const std::string prefix(1, keys::kOrphan);
  auto rows = impl_->deps.meta->cursor(prefix, keys::prefix_end(prefix));
  for (rows->seek(prefix); rows->valid(); rows->next()) reclaim_later(keys::inode_of(rows->key()));
  return rows->status();
}

std::vector<InodeId> InodeStore::Impl::next_to_reap() {
  std::vector<InodeId> ids;
  while (!reap_queue.empty() && ids.size() < kReapAtOnce) {
    ids.push_back(reap_queue.front());
    reap_queue.pop_front();
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

void InodeStore::run_reaper() {
  MutexLock lock(impl_->reaper_mutex);
  while (!impl_->stopping) {
    if (impl_->reap_queue.empty()) {
      impl_->reaper_wakes.wait(lock);
      continue;
    }
    if (impl_->drains == 0 && impl_->reap_queue.size() < kReapAtOnce) {
      impl_->reaper_wakes.wait_for(lock, kReapPause);
      if (impl_->stopping) break;
    }
    const std::vector<InodeId> ids = impl_->next_to_reap();
    // Listed before anybody is asked: a user that goes away from now on puts it back into the
    // queue.
    impl_->awaiting_users.insert(ids.begin(), ids.end());
    impl_->reaper_busy = true;
    lock.unlock();
    reap(ids);
    lock.lock();
    impl_->reaper_busy = false;
    impl_->reaper_wakes.notify_all();
  }
}

void InodeStore::reap(const std::vector<InodeId>& ids) {
  auto left = reap_small(ids);
  if (!left) log_warning("a commit of {} unlinked inodes: {}", ids.size(), left.error().context);
  for (const InodeId id : left ? *left : ids) {
    const Result<void> reaped = reap_one(id);
    if (reaped) continue;
    if (reaped.error().code != Errc::NotFound) {
      log_warning("inode {} is not reclaimed before the next open: {}", id, reaped.error().context);
    }
    MutexLock lock(impl_->reaper_mutex);
    impl_->awaiting_users.erase(id);
  }
}

/// Removes those that fit into one commit together: rm -r makes many small ones. Returns those that want one by itself.
Result<std::vector<InodeId>> InodeStore::reap_small(const std::vector<InodeId>& ids)
    NO_THREAD_SAFETY_ANALYSIS {
  std::vector<InodeId> left;
  if (ids.size() < 2) return ids;
  std::vector<InodeRef> locked;  // in the order of their numbers, as the lock order wants
  MetaBatch batch;
  for (const InodeId id : ids) {
    const auto inode = get(id);
    if (inode) (*inode)->mutex.lock();
    const bool small = inode && !(*inode)->reclaimed && (*inode)->record.attributes.nlink == 0 &&
                       !impl_->used(**inode) && (*inode)->content.extents.all_loaded() &&
                       (*inode)->content.extents.count() <= kSmallExtents;
    if (!small) {
      if (inode) (*inode)->mutex.unlock();
      left.push_back(id);
      continue;
    }
    locked.push_back(*inode);
    (*inode)->content.pending.take();
    static_cast<void>(impl_->take_apart(batch, **inode, extent_loader(id)));
    impl_->stage_removal(batch, **inode);
  }
  Result<CommitPosition> done = CommitPosition(0);
  if (!locked.empty()) done = impl_->deps.meta->commit(std::move(batch));
  for (const InodeRef& inode : locked) {
    done ? removed(*inode) : uncommitted(*inode);
    inode->mutex.unlock();
  }
  if (!done) return fail(std::move(done).error());
  MutexLock lock(impl_->reaper_mutex);
  for (const InodeRef& inode : locked) impl_->awaiting_users.erase(inode->id);
  return left;
}

Result<void> InodeStore::reap_one(InodeId id) {
  COFFER_ASSIGN(const InodeRef inode, get(id));
  bool done = false;
  while (!done) {
    // Let go between batches: an unlinked inode in use may still be read and written until here.
    ExclusiveLock lock(inode->mutex);
    if (inode->reclaimed || inode->record.attributes.nlink > 0) break;
    if (impl_->used(*inode)) return {};
    MetaBatch batch;
    inode->content.pending.take();
    COFFER_ASSIGN(done, impl_->take_apart(batch, *inode, extent_loader(id)));
    if (done) impl_->stage_removal(batch, *inode);
    if (auto committed_at = impl_->deps.meta->commit(std::move(batch)); !committed_at) {
      uncommitted(*inode);
      return fail(std::move(committed_at).error());
    }
    if (done) {
      removed(*inode);
    } else {
      impl_->deps.ledger->released(std::exchange(inode->content.removed, {}),
                                   impl_->deps.meta->committed());
      inode->content.added.clear();
      impl_->deps.ledger->check_runs(std::exchange(inode->content.staged_shared, {}));
    }
  }
  MutexLock lock(impl_->reaper_mutex);
  impl_->awaiting_users.erase(id);
  return {};
}

void InodeStore::drain_reaper() {
  MutexLock lock(impl_->reaper_mutex);
  ++impl_->drains;
  impl_->reaper_wakes.notify_all();
  while ((!impl_->reap_queue.empty() || impl_->reaper_busy) && !impl_->stopping)
    impl_->reaper_wakes.wait(lock);
  --impl_->drains;
}

void InodeStore::stop() {
  {
    MutexLock lock(impl_->reaper_mutex);
    impl_->stopping = true;
    impl_->reaper_wakes.notify_all();
  }
  if (impl_->reaper.joinable()) impl_->reaper.join();
}

}  // namespace coffer
