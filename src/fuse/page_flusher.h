#pragma once
/// PageFlusher: makes the kernel write back and drop a file's pages for operations that need its dirty pages here.
///
/// A thread of its own, beside the workers and the Invalidator: the operation that waits for it holds its inode's lock in the
/// kernel (LSEEK does). A worker that waited could be the one that has to take the pages, and a notification of a deleted name
/// waits for that lock; what writes pages back takes none.
///
/// Owns      the thread and the queue.
/// Borrows   the session, which outlives it.
/// Threads   any.
/// Bounds    one entry for each request that the kernel waits for.

#include <deque>
#include <thread>

#include "coffer/core/mutex.h"
#include "coffer/core/unique_function.h"
#include "coffer/vault/attributes.h"

namespace coffer::fuse {

class Session;

class PageFlusher {
 public:
  explicit PageFlusher(Session& session);
  ~PageFlusher();
  PageFlusher(const PageFlusher&) = delete;
  PageFlusher& operator=(const PageFlusher&) = delete;

  /// Calls `then` on the flusher's thread when the pages are here; once stopped at once, as there are none left to wait for.
  void flush_then(InodeId inode, UniqueFunction<void()> then);

  /// Ends the thread; what is queued is still answered. Idempotent.
  void stop();

 private:
  struct Flush {
    InodeId inode;
    UniqueFunction<void()> then;
  };
  void run();

  Session& session_;
  Mutex mutex_;
  CondVar work_;
  std::deque<Flush> flushes_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace coffer::fuse
