#include "coffer/core/log.h"
#include "vault/tree/inode_store_impl.h"

namespace coffer {

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
  MutexLock lock(impl_->reaper_mutex);
  if (impl_->awaiting_users.erase(id) == 0) return;
  impl_->reap_queue.push_back(id);
  impl_->reaper_wakes.notify_all();
}

void InodeStore::reclaim_later(InodeId id) {
  MutexLock lock(impl_->reaper_mutex);
  impl_->reap_queue.push_back(id);
  impl_->reaper_wakes.notify_all();
}

Result<void> InodeStore::queue_orphans() {
  const std::string prefix(1, keys::kOrphan);
  auto rows = impl_->deps.meta->cursor(prefix, keys::prefix_end(prefix));
  for (rows->seek(prefix); rows->valid(); rows->next()) reclaim_later(keys::inode_of(rows->key()));
  return rows->status();
}

void InodeStore::run_reaper() {
  MutexLock lock(impl_->reaper_mutex);
  while (!impl_->stopping) {
    if (impl_->reap_queue.empty()) {
      impl_->reaper_wakes.wait(lock);
      continue;
    }
    const InodeId id = impl_->reap_queue.front();
    impl_->reap_queue.pop_front();
    // Listed before anybody is asked: a user that goes away from now on puts it back into the
    // queue.
    impl_->awaiting_users.insert(id);
    impl_->reaper_busy = true;
    lock.unlock();
    const Result<void> reaped = reap(id);
    if (!reaped && reaped.error().code != Errc::NotFound) {
      log_warning("inode {} is not reclaimed before the next open: {}", id, reaped.error().context);
    }
    lock.lock();
    if (!reaped) impl_->awaiting_users.erase(id);
    impl_->reaper_busy = false;
    impl_->reaper_wakes.notify_all();
  }
}

Result<void> InodeStore::reap(InodeId id) {
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
  while ((!impl_->reap_queue.empty() || impl_->reaper_busy) && !impl_->stopping)
    impl_->reaper_wakes.wait(lock);
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
