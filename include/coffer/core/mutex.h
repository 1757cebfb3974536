#pragma once
/// Mutex, SharedMutex, CondVar and their guards: the standard ones with clang's thread-safety
/// annotations (https://clang.llvm.org/docs/ThreadSafetyAnalysis.html). Fields say GUARDED_BY,
/// functions say REQUIRES/EXCLUDES. The global lock order is the table in docs/architecture.md.

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>

#if defined(__clang__)
#define COFFER_TSA(x) __attribute__((x))
#else
#define COFFER_TSA(x)
#endif
#define CAPABILITY(x) COFFER_TSA(capability(x))
#define SCOPED_CAPABILITY COFFER_TSA(scoped_lockable)
#define GUARDED_BY(x) COFFER_TSA(guarded_by(x))
#define PT_GUARDED_BY(x) COFFER_TSA(pt_guarded_by(x))
#define REQUIRES(...) COFFER_TSA(requires_capability(__VA_ARGS__))
#define REQUIRES_SHARED(...) COFFER_TSA(requires_shared_capability(__VA_ARGS__))
#define ACQUIRE(...) COFFER_TSA(acquire_capability(__VA_ARGS__))
#define ACQUIRE_SHARED(...) COFFER_TSA(acquire_shared_capability(__VA_ARGS__))
#define RELEASE(...) COFFER_TSA(release_capability(__VA_ARGS__))
#define RELEASE_SHARED(...) COFFER_TSA(release_shared_capability(__VA_ARGS__))
#define RELEASE_GENERIC(...) COFFER_TSA(release_generic_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) COFFER_TSA(try_acquire_capability(__VA_ARGS__))
#define EXCLUDES(...) COFFER_TSA(locks_excluded(__VA_ARGS__))
#define RETURN_CAPABILITY(x) COFFER_TSA(lock_returned(x))
#define NO_THREAD_SAFETY_ANALYSIS COFFER_TSA(no_thread_safety_analysis)

namespace coffer {

class CAPABILITY("mutex") Mutex {
 public:
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }
  bool try_lock() TRY_ACQUIRE(true) { return mutex_.try_lock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class CAPABILITY("shared_mutex") SharedMutex {
 public:
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }
  void lock_shared() ACQUIRE_SHARED() { mutex_.lock_shared(); }
  void unlock_shared() RELEASE_SHARED() { mutex_.unlock_shared(); }

 private:
  std::shared_mutex mutex_;
};

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() RELEASE() {
    if (held_) mutex_.unlock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;
  void unlock() RELEASE() {
    held_ = false;
    mutex_.unlock();
  }
  void lock() ACQUIRE() {
    mutex_.lock();
    held_ = true;
  }

 private:
  friend class CondVar;
  Mutex& mutex_;
  bool held_ = true;
};

/// Of a SharedMutex, or of what locks like one.
template <typename Lockable>
class SCOPED_CAPABILITY ExclusiveLock {
 public:
  explicit ExclusiveLock(Lockable& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~ExclusiveLock() RELEASE() { mutex_.unlock(); }
  ExclusiveLock(const ExclusiveLock&) = delete;
  ExclusiveLock& operator=(const ExclusiveLock&) = delete;

 private:
  Lockable& mutex_;
};

template <typename Lockable>
class SCOPED_CAPABILITY SharedLock {
 public:
  explicit SharedLock(Lockable& mutex) ACQUIRE_SHARED(mutex) : mutex_(mutex) {
    mutex_.lock_shared();
  }
  ~SharedLock() RELEASE_GENERIC() { mutex_.unlock_shared(); }
  SharedLock(const SharedLock&) = delete;
  SharedLock& operator=(const SharedLock&) = delete;

 private:
  Lockable& mutex_;
};

/// A condition variable for Mutex. Callers loop on their condition themselves:
///   while (!ready_) cond_.wait(lock);
class CondVar {
 public:
  void wait(MutexLock& lock) NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> inner(lock.mutex_.mutex_, std::adopt_lock);
    cond_.wait(inner);
    inner.release();
  }
  /// False on timeout.
  template <typename Rep, typename Period>
  bool wait_for(MutexLock& lock,
                std::chrono::duration<Rep, Period> timeout) NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> inner(lock.mutex_.mutex_, std::adopt_lock);
    const bool woken = cond_.wait_for(inner, timeout) == std::cv_status::no_timeout;
    inner.release();
    return woken;
  }
  void notify_one() { cond_.notify_one(); }
  void notify_all() { cond_.notify_all(); }

 private:
  std::condition_variable cond_;
};

}  // namespace coffer
