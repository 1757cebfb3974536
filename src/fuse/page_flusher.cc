#include "fuse/page_flusher.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

#include "fuse/libfuse.h"
#include "fuse/session.h"

namespace coffer::fuse {

PageFlusher::PageFlusher(Session& session) : session_(session), thread_([this] { run(); }) {}

PageFlusher::~PageFlusher() { stop(); }

void PageFlusher::stop() {
  {
    MutexLock lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    work_.notify_all();
  }
  thread_.join();
}

void PageFlusher::flush_then(InodeId inode, UniqueFunction<void()> then) {
  {
    MutexLock lock(mutex_);
    if (!stopping_) {
      flushes_.push_back({inode, std::move(then)});
      work_.notify_one();
      return;
    }
  }
  then();
}

void PageFlusher::run() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  MutexLock lock(mutex_);
  for (;;) {
    while (flushes_.empty() && !stopping_) work_.wait(lock);
    if (flushes_.empty()) return;
    const bool stopping = stopping_;
    Flush flush = std::move(flushes_.front());
    flushes_.pop_front();
    lock.unlock();
    if (!stopping)
      ::fuse_lowlevel_notify_inval_inode(session_.libfuse(), flush.inode.value(), 0, 0);
    flush.then();
    lock.lock();
  }
}

}  // namespace coffer::fuse
