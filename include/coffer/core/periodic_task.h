#pragma once
/// PeriodicTask: a thread that runs one function every interval, and at once when woken.
///
/// Owns      its thread and the function.
/// Threads   wake() and stop() from any thread; wake() also from the function itself. stop() from
///           within the function asks it to be the last run and does not wait. The destructor stops
///           and waits.
/// Errors    none; the function must not throw.

#include <chrono>
#include <string>
#include <thread>

#include "coffer/core/mutex.h"
#include "coffer/core/unique_function.h"

namespace coffer {

class PeriodicTask {
 public:
  /// The first run comes one interval from now. interval zero: runs only when woken.
  PeriodicTask(std::string name, std::chrono::milliseconds interval, UniqueFunction<void()> fn);
  ~PeriodicTask();
  PeriodicTask(const PeriodicTask&) = delete;
  PeriodicTask& operator=(const PeriodicTask&) = delete;

  /// Runs the function soon. Wakes during a run lead to exactly one more run, which begins after
  /// the last of them.
  void wake() EXCLUDES(mutex_);
  /// Waits for a run that is under way; begins no other. May be called again.
  void stop() EXCLUDES(mutex_);

 private:
  void run() EXCLUDES(mutex_);
  /// False when it is time to stop.
  bool wait_for_turn() EXCLUDES(mutex_);

  const std::string name_;
  const std::chrono::milliseconds interval_;
  UniqueFunction<void()> fn_;  // used by the thread alone

  Mutex mutex_;
  CondVar changed_;
  bool woken_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread::id runner_ GUARDED_BY(mutex_);  // set by the thread before its first run

  Mutex join_mutex_;
  std::thread thread_ GUARDED_BY(join_mutex_);
};

}  // namespace coffer
