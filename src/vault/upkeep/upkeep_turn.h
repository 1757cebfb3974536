#pragma once
/// UpkeepTurn: one piece of long work on a vault at a time. A command goes before what runs by itself in the background.
///
/// Threads   any. end() waits for who has the turn; nobody gets one afterwards.
/// Errors    Busy (a command has it), ShuttingDown.

#include <atomic>
#include <cstdint>
#include <utility>

#include "coffer/core/error.h"
#include "coffer/core/mutex.h"

namespace coffer {

class UpkeepTurn {
 public:
  enum class Who : std::uint8_t { Background, Command };

  class Guard {
   public:
    explicit Guard(UpkeepTurn& turn) : turn_(&turn) {}
    Guard(Guard&& other) noexcept : turn_(std::exchange(other.turn_, nullptr)) {}
    Guard& operator=(Guard&&) = delete;
    ~Guard() {
      if (turn_ != nullptr) turn_->give_back();
    }

   private:
    UpkeepTurn* turn_;
  };

  /// @param what is told who finds it taken
  explicit UpkeepTurn(const char* what) : what_(what) {}

  Result<Guard> take(Who who) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (who == Who::Command && taken_ && holder_ == Who::Background) {
      stop_.store(true, std::memory_order_release);
      while (taken_ && holder_ == Who::Background && !ended_) changed_.wait(lock);
    }
    if (ended_) return fail(Errc::ShuttingDown, "the vault is being closed");
    if (taken_) return fail(Errc::Busy, what_);
    taken_ = true;
    holder_ = who;
    stop_.store(false, std::memory_order_release);
    return Guard(*this);
  }
  /// For who works: to be looked at now and then.
  [[nodiscard]] const std::atomic<bool>& stop() const { return stop_; }
  void end() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    ended_ = true;
    stop_.store(true, std::memory_order_release);
    changed_.notify_all();
    while (taken_) changed_.wait(lock);
  }

 private:
  void give_back() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    taken_ = false;
    changed_.notify_all();
  }

  const char* const what_;
  std::atomic<bool> stop_{false};
  Mutex mutex_;
  CondVar changed_;
  bool taken_ GUARDED_BY(mutex_) = false;
  bool ended_ GUARDED_BY(mutex_) = false;
  Who holder_ GUARDED_BY(mutex_) = Who::Command;
};

}  // namespace coffer
