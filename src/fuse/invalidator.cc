#include "fuse/invalidator.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "fuse/inode_table.h"
#include "fuse/libfuse.h"
#include "fuse/session.h"

namespace coffer::fuse {

Invalidator::Invalidator(ChangeFeed& feed, Session& session, const InodeTable& inodes)
    : feed_(feed), session_(session), inodes_(inodes), thread_([this] { run(); }) {
  feed_.subscribe(*this);
}

Invalidator::~Invalidator() { stop(); }

void Invalidator::stop() {
  {
    MutexLock lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    work_.notify_all();
    progress_.notify_all();  // a door that waits for room must leave on_change before unsubscribe
  }
  feed_.unsubscribe(*this);
  thread_.join();
}

void Invalidator::on_change(const Change& change) {
  if (change.door == Door::Mount) return;
  MutexLock lock(mutex_);
  // Only the other door waits for room. What else publishes may be one of our workers (a change by the
  // mount that shows elsewhere under another name), for which the notifier may be waiting.
  while (change.door == Door::Gateway && queue_.size() >= kQueueMax && !stopping_)
    progress_.wait(lock);
  if (stopping_) return;
  queue_.push_back(change);
  ++queued_;
  work_.notify_one();
}

Invalidator::Ticket Invalidator::last_ticket() const {
  MutexLock lock(mutex_);
  return queued_;
}

bool Invalidator::wait_notified(Ticket ticket, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  MutexLock lock(mutex_);
  while (done_ < ticket && !stopping_) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= left.zero()) return false;
    progress_.wait_for(lock, left);
  }
  return done_ >= ticket;
}

void Invalidator::run() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  MutexLock lock(mutex_);
  for (;;) {
    while (queue_.empty() && !stopping_) work_.wait(lock);
    const bool stopping = stopping_;
    std::vector<Change> batch = std::exchange(queue_, {});
    const Ticket upto = queued_;
    lock.unlock();
    if (!batch.empty() && !stopping) notify(batch);
    lock.lock();
    done_ = upto;
    progress_.notify_all();
    if (stopping) return;
  }
}

// The grace period comes first: a LOOKUP or READDIR that began before the commit is answered by
// then, and its parent counted, so that `known` is right and nothing stale is put into the kernel's
// caches behind the notification.
void Invalidator::notify(const std::vector<Change>& batch) {
  session_.read_sections().wait_for_readers();
  std::vector<InodeId> parents;
  for (const Change& change : batch) {
    if (change.kind == Change::Kind::InodeChanged) {
      if (inodes_.known(change.inode)) invalidate_inode(change.inode, 0);
      continue;
    }
    if (inodes_.known(change.parent)) {
      notify_entry(change);
      parents.push_back(change.parent);
    }
    // The inode that lost a name: its link count and ctime are new; its content is not.
    if (change.kind != Change::Kind::EntryAdded && inodes_.known(change.inode))
      invalidate_inode(change.inode, -1);
  }
  std::sort(parents.begin(), parents.end());
  parents.erase(std::unique(parents.begin(), parents.end()), parents.end());
  for (const InodeId parent : parents) invalidate_inode(parent, 0);
}

// -ENOENT is normal everywhere here: the kernel does not hold what would have become wrong.
void Invalidator::notify_entry(const Change& change) {
  notifications_.fetch_add(1, std::memory_order_relaxed);
  if (change.kind == Change::Kind::EntryRemoved) {
    const int error =
        ::fuse_lowlevel_notify_delete(session_.libfuse(), change.parent.value(),
                                      change.inode.value(), change.name.data(), change.name.size());
    if (error == 0 || error == -ENOENT) return;
    // Not that inode, or something is mounted below: let the kernel ask again.
  }
  ::fuse_lowlevel_notify_inval_entry(session_.libfuse(), change.parent.value(), change.name.data(),
                                     change.name.size());
}

/// offset 0: attributes and every page (of a directory: its cached listing). -1: attributes only.
void Invalidator::invalidate_inode(InodeId inode, std::int64_t offset) {
  notifications_.fetch_add(1, std::memory_order_relaxed);
  ::fuse_lowlevel_notify_inval_inode(session_.libfuse(), inode.value(), offset, 0);
}

}  // namespace coffer::fuse
