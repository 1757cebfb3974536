#pragma once
/// MoveGate: who walks paths shares it; who moves a directory has it alone.
///
/// While it is held in either way the shape of the tree above every directory stands still
/// (directories come and go, but none moves), so that a depth, an ancestry or a path that was
/// looked up stays true. First in the lock order (docs/architecture.md): before every inode's
/// `entries`. May be held across MetaStore::commit(), never across a sync.
///
/// A mover waits only for those who are inside already: without the turnstile a steady stream of
/// sharers would starve it, for the system's shared mutex prefers readers.

#include "coffer/core/mutex.h"

namespace coffer {

class CAPABILITY("move_gate") MoveGate {
 public:
  void lock() ACQUIRE() NO_THREAD_SAFETY_ANALYSIS {
    MutexLock turn(turnstile_);
    inside_.lock();
  }
  void unlock() RELEASE() NO_THREAD_SAFETY_ANALYSIS { inside_.unlock(); }
  void lock_shared() ACQUIRE_SHARED() NO_THREAD_SAFETY_ANALYSIS {
    MutexLock turn(turnstile_);
    inside_.lock_shared();
  }
  void unlock_shared() RELEASE_SHARED() NO_THREAD_SAFETY_ANALYSIS { inside_.unlock_shared(); }

 private:
  Mutex turnstile_;
  SharedMutex inside_;
};

class AloneLock {
 public:
  explicit AloneLock(MoveGate& gate) NO_THREAD_SAFETY_ANALYSIS : gate_(gate) { gate_.lock(); }
  ~AloneLock() NO_THREAD_SAFETY_ANALYSIS { gate_.unlock(); }
  AloneLock(const AloneLock&) = delete;
  AloneLock& operator=(const AloneLock&) = delete;

 private:
  MoveGate& gate_;
};

class SCOPED_CAPABILITY PathLock {
 public:
  explicit PathLock(MoveGate& gate) ACQUIRE_SHARED(gate) : gate_(gate) { gate_.lock_shared(); }
  ~PathLock() RELEASE_GENERIC() { gate_.unlock_shared(); }
  PathLock(const PathLock&) = delete;
  PathLock& operator=(const PathLock&) = delete;

 private:
  MoveGate& gate_;
};

}  // namespace coffer
