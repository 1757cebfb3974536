#pragma once
/// IoWait: waits for one completion, with a deadline, on the caller's thread.
///
/// A call that is not answered in time is abandoned: its buffers are its own (IoSlice) and its late completion
/// is dropped; the waiter gets TimedOut. Inline completions cost no lock contention and no wake-up.

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "coffer/core/error.h"
#include "coffer/core/mutex.h"
#include "vault/volume/volume.h"

namespace coffer {

inline constexpr std::chrono::milliseconds kVolumeDeadline{10'000};

template <typename T>
class IoWait {
 public:
  IoWait() : state_(std::make_shared<State>()) {}

  /// The completion to hand to the volume. Once per IoWait.
  Completion<T> completion() {
    return [state = state_](Result<T> result) {
      MutexLock lock(state->mutex);
      state->result.emplace(std::move(result));
      state->cond.notify_all();
    };
  }

  Result<T> wait(std::chrono::milliseconds deadline = kVolumeDeadline) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    MutexLock lock(state_->mutex);
    while (!state_->result) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          end - std::chrono::steady_clock::now());
      if (left.count() <= 0) return fail(Errc::TimedOut, "volume did not answer in time");
      state_->cond.wait_for(lock, left);
    }
    return std::move(*state_->result);
  }

 private:
  struct State {
    Mutex mutex;
    CondVar cond;
    std::optional<Result<T>> result GUARDED_BY(mutex);
  };
  std::shared_ptr<State> state_;
};

}  // namespace coffer
