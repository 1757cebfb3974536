#pragma once
/// Invalidator: tells the kernel what the other door changed.
///
/// publish (after commit) → queue → grace period (read_sections.h) → notify the kernel → ticket
/// done. Changes made through this mount are skipped: the kernel made them itself.
/// A notification waits for whoever holds the inode's lock in the kernel, so nothing that the kernel
/// waits for may be answered by this thread.
///
/// Owns      the notifier thread and the queue.
/// Borrows   the change feed, the session and the inode table, which outlive it.
/// Threads   wait_notified from any thread that is not a FUSE worker; the rest from any thread.
/// Bounds    kQueueMax changes of the other door, which waits for room. The changes of one
///           directory in one batch cost one notification of that directory.
/// Invariant done_ <= queued_; a ticket is the value of queued_ after its change.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "coffer/core/mutex.h"
#include "coffer/vault/change_feed.h"

namespace coffer::fuse {

class InodeTable;
class Session;

class Invalidator final : public ChangeObserver {
 public:
  using Ticket = std::uint64_t;

  Invalidator(ChangeFeed& feed, Session& session, const InodeTable& inodes);
  ~Invalidator() override;
  Invalidator(const Invalidator&) = delete;
  Invalidator& operator=(const Invalidator&) = delete;

  void on_change(const Change& change) override;

  /// The ticket of the last change so far.
  [[nodiscard]] Ticket last_ticket() const;
  /// Waits until that change was notified. False on timeout or stop.
  bool wait_notified(Ticket ticket, std::chrono::milliseconds timeout);

  /// Ends the thread; what is queued is dropped. Idempotent.
  void stop();

  [[nodiscard]] std::uint64_t notifications() const {
    return notifications_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t kQueueMax = 65536;

  void run();
  void notify(const std::vector<Change>& batch);
  void notify_entry(const Change& change);
  void invalidate_inode(InodeId inode, std::int64_t offset);

  ChangeFeed& feed_;
  Session& session_;
  const InodeTable& inodes_;
  std::atomic<std::uint64_t> notifications_{0};

  mutable Mutex mutex_;
  CondVar work_;
  CondVar progress_;
  std::vector<Change> queue_ GUARDED_BY(mutex_);
  Ticket queued_ GUARDED_BY(mutex_) = 0;
  Ticket done_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;

  std::thread thread_;  // last: it uses everything above
};

}  // namespace coffer::fuse
