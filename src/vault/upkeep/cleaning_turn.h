#pragma once
/// CleaningTurn: one round of cleaning at a time; who waited for one knows that it ran.
///
/// Threads   any. Held across everything that a round does: nobody waits here who holds a lock of the tree.

#include <cstdint>
#include <utility>

#include "coffer/core/mutex.h"

namespace coffer {

class CleaningTurn {
 public:
  enum class Entered : std::uint8_t { Mine, AnotherRan, KeptOut };

  /// Waits for a round that runs. Mine: leave() is due.
  Entered enter() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    const std::uint64_t before = rounds_;
    ++waiting_;
    while (running_) changed_.wait(lock);
    --waiting_;
    if (kept_out_ > 0) return Entered::KeptOut;
    if (rounds_ != before) return Entered::AnotherRan;
    running_ = true;
    return Entered::Mine;
  }
  /// Somebody waits for the round that runs.
  [[nodiscard]] bool awaited() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return waiting_ > 0;
  }
  void leave() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    running_ = false;
    ++rounds_;
    changed_.notify_all();
  }

  /// No round runs while it lives.
  class Pause {
   public:
    explicit Pause(CleaningTurn& turn) : turn_(turn) {
      MutexLock lock(turn.mutex_);
      ++turn.kept_out_;
      while (turn.running_) turn.changed_.wait(lock);
    }
    ~Pause() {
      MutexLock lock(turn_.mutex_);
      --turn_.kept_out_;
    }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    CleaningTurn& turn_;
  };

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  bool running_ GUARDED_BY(mutex_) = false;
  int kept_out_ GUARDED_BY(mutex_) = 0;
  int waiting_ GUARDED_BY(mutex_) = 0;
  std::uint64_t rounds_ GUARDED_BY(mutex_) = 0;
};

}  // namespace coffer
